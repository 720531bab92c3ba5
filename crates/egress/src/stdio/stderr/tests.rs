use super::*;

fn command(secrets: &[&str]) -> Command {
    let env = secrets.iter().map(|value| ("V".to_owned(), Secret::new((*value).to_owned()))).collect();
    Command { argv: vec!["x".into()], env, directory: None, sandbox: None }
}

/// What comes to the log of these bytes.
async fn said(bytes: &[u8], secrets: &[&str], per_second: u32) -> Vec<Said> {
    let mut said = Vec::new();
    Log::new("files", &command(secrets), per_second).relay(bytes, |line| said.push(line)).await;
    said
}

fn line(text: &str) -> Said {
    Said::Line(text.into())
}

#[tokio::test]
async fn lines_are_plain_text() {
    let bytes = b"started\r\n\n  \nbell\x07 \x1b[31mred\xff\nwithout end";
    assert_eq!(
        said(bytes, &[], 10).await,
        [line("started"), line("bell   [31mred\u{fffd}"), line("without end")]
    );
}

#[tokio::test]
async fn a_line_without_end_is_cut_and_the_next_one_is_whole() {
    let mut bytes = vec![b'x'; 10 << 20];
    bytes.extend_from_slice(b"\nnext\n");
    assert_eq!(said(&bytes, &[], 10).await, [line(&"x".repeat(LOGGED)), line("next")]);
}

#[tokio::test]
async fn more_lines_than_allowed_are_counted() {
    let bytes = "line\n".repeat(1_000);
    let said = said(bytes.as_bytes(), &[], 3).await;
    let lines = said.iter().filter(|said| matches!(said, Said::Line(_))).count();
    let left_out: u64 =
        said.iter().map(|said| if let Said::LeftOut(lines) = said { *lines } else { 0 }).sum();
    assert_eq!(lines as u64 + left_out, 1_000);
    assert!(left_out > 0, "a thousand lines in a row pass");
}

#[test]
fn a_second_admits_what_it_may_and_the_next_one_says_how_many_were_too_many() {
    let mut rate = Rate::new(2);
    let now = Instant::now();
    assert_eq!(rate.admit(now), (true, None));
    assert_eq!(rate.admit(now), (true, None));
    assert_eq!(rate.admit(now + Duration::from_millis(999)), (false, None));
    assert_eq!(rate.admit(now + Duration::from_secs(1)), (true, Some(1)));
    assert_eq!(rate.left_out(), None);
}

#[tokio::test]
async fn secrets_of_the_command_do_not_come_to_the_log() {
    let secrets = ["hunter2hunter2", "hunter2hunter2-longer", "1", "-----KEY\nsecond line\n"];
    let bytes = b"1: key=hunter2hunter2-longer&hunter2hunter2\nsecond line";
    assert_eq!(
        said(bytes, &secrets, 10).await,
        [line("1: key=[secret]&[secret]"), line("[secret]")],
        "short values stay"
    );
}

#[tokio::test]
async fn a_secret_cut_in_two_does_not_come_to_the_log() {
    let secret = "S3cr3t-".repeat(20);
    // So many whole ones before it that their replacement brings the cut one within what is logged.
    let bytes = format!("{}\n", secret.repeat(1 + KEPT / secret.len()));
    let said = said(bytes.as_bytes(), &[&secret], 10).await;
    assert!(
        matches!(&said[..], [Said::Line(text)] if text.contains("[secret]") && !text.contains("S3c")),
        "{said:?}"
    );
}
