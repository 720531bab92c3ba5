use super::*;

struct Hearing {
    desk: Desk,
    heard: Vec<(&'static str, mpsc::Receiver<Bytes>)>,
}

impl Hearing {
    fn new() -> Self {
        Self { desk: Desk::new(), heard: Vec::new() }
    }

    fn ask(&mut self, id: &'static str, token: Option<&'static str>) {
        let (sender, receiver) = mpsc::channel(8);
        self.desk.register(id, token.map(|token| Bytes::from_static(token.as_bytes())), sender);
        self.heard.push((id, receiver));
    }

    fn listen(&mut self) {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        self.desk.listen(sender);
        self.heard.push(("stream", receiver));
    }

    /// Who gets a message.
    fn say(&mut self, message: &'static str, shared: bool) -> Vec<&'static str> {
        let message = Bytes::from_static(message.as_bytes());
        for reader in self.desk.readers_of(&message, 32, shared) {
            reader.try_send(message.clone()).expect("there is room");
        }
        self.heard
            .iter_mut()
            .filter_map(|(who, receiver)| receiver.try_recv().is_ok().then_some(*who))
            .collect()
    }
}

#[test]
fn an_answer_goes_to_who_asked_and_only_once() {
    let mut hearing = Hearing::new();
    hearing.ask("a", None);
    hearing.ask("b", None);
    assert_eq!(hearing.say(r#"{"jsonrpc":"2.0","id":"a","result":{}}"#, true), ["a"]);
    assert!(hearing.say(r#"{"jsonrpc":"2.0","id":"a","result":{}}"#, true).is_empty());
    assert!(hearing.say(r#"{"jsonrpc":"2.0","id":"never","result":{}}"#, true).is_empty());
    assert!(!hearing.desk.leave("a"));
    assert!(hearing.desk.leave("b"));
}

#[test]
fn progress_and_subscriptions_go_to_who_is_named() {
    let mut hearing = Hearing::new();
    hearing.ask("a", Some("\"a\""));
    hearing.ask("b", Some("7"));
    hearing.listen();
    let progress =
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}}"#;
    assert_eq!(hearing.say(progress, true), ["b"]);
    assert_eq!(hearing.say(progress, false), ["b"]);
    let update = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"x:","_meta":{"io.modelcontextprotocol/subscriptionId":"a"}}}"#;
    assert_eq!(hearing.say(update, true), ["a"]);
}

#[test]
fn on_a_shared_channel_what_names_nobody_reaches_nobody() {
    let mut hearing = Hearing::new();
    hearing.ask("a", None);
    hearing.listen();
    for message in [
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"secret"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":""}}"#,
        r#"{"jsonrpc":"2.0","id":"a","id":"a","result":{}}"#,
        "npm notice",
    ] {
        assert!(hearing.say(message, true).is_empty(), "{message}");
    }
}

#[test]
fn a_session_hears_everything_on_its_stream_or_its_request() {
    let mut hearing = Hearing::new();
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert!(hearing.say(changed, false).is_empty());
    hearing.listen();
    // What nobody heard waits for the stream; it came with the opening and is read now.
    assert_eq!(hearing.heard.len(), 1);
    assert!(hearing.heard[0].1.try_recv().is_ok());
    hearing.ask("a", None);
    assert_eq!(hearing.say(changed, false), ["stream"]);
    let sampling = r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#;
    assert_eq!(hearing.say(sampling, false), ["a"]);
}

#[test]
fn an_idle_desk_says_since_when() {
    let mut hearing = Hearing::new();
    assert!(hearing.desk.idle_since().is_some());
    hearing.ask("a", None);
    assert!(hearing.desk.idle_since().is_none());
    hearing.desk.leave("a");
    assert!(hearing.desk.idle_since().is_some());
}

#[test]
fn a_reader_that_is_evicted_hears_nothing_more_and_leaves_unanswered() {
    let mut hearing = Hearing::new();
    hearing.ask("a", Some("1"));
    hearing.ask("b", None);
    let progress = Bytes::from_static(
        br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#,
    );
    let slow = hearing.desk.readers_of(&progress, 32, true);
    assert_eq!(slow.iter().flat_map(|reader| hearing.desk.evict(reader)).collect::<Vec<_>>(), ["a"]);
    assert!(hearing.desk.readers_of(&progress, 32, true).is_empty());
    assert_eq!(hearing.say(r#"{"jsonrpc":"2.0","id":"b","result":{}}"#, true), ["b"]);
}
