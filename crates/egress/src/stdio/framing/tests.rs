use proptest::prelude::*;

use super::*;

/// All lines of a stream that arrives in pieces, and what it ended in the middle of.
fn lines_of(pieces: &[&[u8]], max: usize) -> Result<Vec<Bytes>, TooLong> {
    let mut lines = Lines::new(max);
    let mut found = Vec::new();
    for piece in pieces {
        lines.space().extend_from_slice(piece);
        while let Some(line) = lines.next()? {
            found.push(line);
        }
    }
    found.extend(lines.rest()?);
    Ok(found)
}

#[test]
fn lines_end_with_line_feeds_and_empty_ones_are_left_out() {
    let found = lines_of(&[b"\n{}\r\n \t\n\r\nnot js", b"on\n\n[1]"], 100).expect("short lines");
    assert_eq!(found, ["{}", "not json", "[1]"]);
}

#[test]
fn the_limit_counts_the_line_without_its_end() {
    assert_eq!(lines_of(&[b"12345\n"], 5).expect("five"), ["12345"]);
    assert_eq!(lines_of(&[b"12345\r", b"\n"], 5).expect("five"), ["12345"]);
    assert_eq!(lines_of(&[b"123456\n"], 5), Err(TooLong));
    assert_eq!(lines_of(&[b"123456"], 5), Err(TooLong));
    assert_eq!(lines_of(&[b"1\n123456", b"7"], 5), Err(TooLong));
}

#[test]
fn line_breaks_become_spaces() {
    assert_eq!(on_one_line(Bytes::from_static(b"{\r\n \"a\": 1\n}")), "{   \"a\": 1 }");
    let already = Bytes::from_static(b"{\"a\":\"\\n\"}");
    assert_eq!(on_one_line(already.clone()).as_ptr(), already.as_ptr());
}

proptest! {
    /// However a stream is cut into pieces, its lines are the same.
    #[test]
    fn pieces_do_not_matter(
        stream in prop::collection::vec(prop::sample::select(&b"ab\n\r \xff"[..]), 0..200),
        cuts in prop::collection::vec(0_usize..200, 0..20),
        max in 1_usize..40,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        let expected: Vec<Bytes> = stream
            .split(|byte| *byte == b'\n')
            .map(|line| Bytes::copy_from_slice(line.strip_suffix(b"\r").unwrap_or(line)))
            .filter(|line| !line.trim_ascii().is_empty())
            .collect();
        match lines_of(&pieces, max) {
            Ok(found) => prop_assert_eq!(found, expected),
            Err(TooLong) => prop_assert!(stream.split(|byte| *byte == b'\n').any(|line| line.len() > max)),
        }
    }

    /// What is buffered never grows with what the peer writes.
    #[test]
    fn nothing_is_kept_beyond_the_limit(pieces in prop::collection::vec(1_usize..50, 1..50), max in 1_usize..100) {
        let mut lines = Lines::new(max);
        for piece in pieces {
            lines.space().extend(std::iter::repeat_n(b'x', piece));
            if lines.next().is_err() {
                prop_assert!(lines.buffer.len() > max);
                return Ok(());
            }
            prop_assert!(lines.buffer.len() <= max + 1);
        }
    }
}
