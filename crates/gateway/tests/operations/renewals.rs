//! `kill -9` while a connection is being renewed: it goes on, or says why it cannot, and connecting again puts it right.

use std::time::Duration;

use doorward_testkit::{
    authority::ScriptedAuthority,
    recorder::{Gate, Recorder},
};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

use crate::{
    client::Connection,
    person::Person,
    program::{Place, Program},
};

const PASSWORD: &str = "correct horse battery";

/// Kills at moments around the end of a renewal.
const KILLS: usize = 8;

/// A connection of Ada's at an upstream that somebody else's authorization server locks.
struct Ground {
    place: Place,
    authority: ScriptedAuthority,
    upstream: Recorder,
    ada: Person,
    /// Where the program listens: always the same after its first start, as its public address is.
    address: String,
}

/// What a call came to.
#[derive(Debug)]
enum Called {
    Answered,
    /// The link that was told, and why.
    Link(String, String),
}

impl Ground {
    async fn begin() -> (Self, Program) {
        let (upstream, authority) = (
            Recorder::start().await.expect("an upstream"),
            ScriptedAuthority::start().await.expect("a port"),
        );
        authority.protect(&upstream);
        let place = Place::new();
        place.write("doorward.toml", "");
        let ada = Person::of(&place, "ada", PASSWORD, &[]);
        let address = "127.0.0.1:0".to_owned();
        let mut ground = Self { place, authority, upstream, ada, address };
        let program = ground.start();
        ground.address = program.address.to_string();
        ground.connect(&program).await;
        (ground, program)
    }

    fn start(&self) -> Program {
        self.place.start(&format!(
            "[listen]\naddress = \"{}\"\n[network]\nallow_private = [\"127.0.0.0/8\"]\n\
             [[upstream]]\nname = \"u\"\nurl = \"{}\"\ncredential = {{ kind = \"oauth\" }}\n\
             [[server]]\nname = \"demo\"\nupstreams = [\"u\"]\n",
            self.address,
            self.upstream.url()
        ))
    }

    async fn connect(&mut self, program: &Program) {
        let end = self.ada.open(&format!("{}/connect/u", program.url()), "").await;
        assert_eq!(end.page.as_ref().map(|page| page.status), Some(200), "{end:?}");
    }

    /// A token of Ada's.
    fn token(&self, program: &Program) -> String {
        let url = program.url();
        let resource = format!("{url}/mcp/demo");
        let words = ["token", "issue", "--user", "ada", "--resource", &resource];
        self.place.run_with(&words, "", &[("DOORWARD_PUBLIC_URL", &url)]).text()
    }

    async fn call(&self, program: &Program) -> Called {
        let authorization = format!("Bearer {}", self.token(program));
        let mut connection = Connection::to(program.address).await;
        let answer = connection.call_with("x", &[("Authorization", &authorization)]).await.answer();
        let told = answer.json();
        if told["result"]["isError"] != true && told["result"]["content"].is_array() {
            return Called::Answered;
        }
        let text = told.to_string();
        let link = format!("{}/connect/u", program.url());
        assert!(text.contains(&link), "neither an answer nor a link: {answer:?}");
        Called::Link(link, text)
    }

    /// Begins a call whose renewal the authority has made, and does not answer yet.
    async fn in_the_middle(&self, program: &Program, gate: &Gate) -> tokio::task::JoinHandle<()> {
        let renewals = self.authority.asked("/token").len();
        self.authority.expire_access_tokens();
        self.authority.hold("/token", gate);
        let authorization = format!("Bearer {}", self.token(program));
        let address = program.address;
        let call = tokio::spawn(async move {
            let mut connection = Connection::to(address).await;
            drop(connection.call_with("x", &[("Authorization", &authorization)]).await);
        });
        self.authority.wait_for("/token", renewals + 1).await.expect("a renewal");
        call
    }

    /// The calls that ended so.
    async fn calls_with(&self, reason: &str) -> Vec<Value> {
        let mut records = self.place.records().await;
        records.retain(|record| record["reason"] == reason && record["method"] == "tools/call");
        records
    }
}

async fn kill(mut program: Program) {
    program.signal("KILL");
    program.ended().await;
}

/// The authority takes a refresh token again: nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_renewal_is_made_again() {
    let (ground, program) = Ground::begin().await;
    ground.authority.set(|manners| manners.rotates = false);
    assert!(matches!(ground.call(&program).await, Called::Answered));
    let gate = Gate::default();
    let call = ground.in_the_middle(&program, &gate).await;
    kill(program).await;
    call.await.expect("a call that was cut");
    ground.authority.behave();

    let program = ground.start();
    let called = ground.call(&program).await;
    assert!(matches!(called, Called::Answered), "{called:?}");
    assert_eq!(ground.authority.token_requests("refresh_token").len(), 2, "once before the kill, once after");
    program.stop().await;
    assert!(ground.place.verify_audit().0);
}

/// The authority has given the next refresh token to nobody: no program can know it. That is what is said, and connecting
/// again is the way out.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_lost_is_told_and_mended() {
    let (mut ground, program) = Ground::begin().await;
    ground.authority.set(|manners| manners.punishes_reuse = true);
    let gate = Gate::default();
    let call = ground.in_the_middle(&program, &gate).await;
    kill(program).await;
    call.await.expect("a call that was cut");
    ground.authority.behave();

    let program = ground.start();
    let Called::Link(link, why) = ground.call(&program).await else { panic!("an answer, with whose token?") };
    assert!(why.contains("interrupted") || why.contains("lost"), "why is not said: {why}");
    let again = ground.call(&program).await;
    assert!(matches!(again, Called::Link(..)), "{again:?}");
    assert_eq!(
        ground.authority.token_requests("refresh_token").len(),
        2,
        "a refusal for good is not asked for again"
    );
    ground.ada.open(&link, "").await;
    let called = ground.call(&program).await;
    assert!(matches!(called, Called::Answered), "{called:?}");
    program.stop().await;
    assert_eq!(ground.calls_with("connection_broken").await.len(), 2);
    assert!(ground.place.verify_audit().0);
}

/// The answer has arrived, and the store cannot take it: what is killed then is as if it never had.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_never_written_is_not_used() {
    let (mut ground, program) = Ground::begin().await;
    let gate = Gate::default();
    let call = ground.in_the_middle(&program, &gate).await;
    let database = ground.place.path("doorward-data/doorward.db");
    let mut other =
        SqliteConnection::connect(&format!("sqlite:{}", database.display())).await.expect("the store");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("nobody else writes");
    let calls = ground.upstream.requests_of("tools/call").len();
    gate.end();
    // Long enough for the answer to arrive; less would make this weaker, and not wrong.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ground.upstream.requests_of("tools/call").len(), calls, "presented before it was written");
    kill(program).await;
    call.await.expect("a call that was cut");
    drop(other);
    ground.authority.behave();

    let program = ground.start();
    if let Called::Link(link, _) = ground.call(&program).await {
        ground.ada.open(&link, "").await;
    }
    let called = ground.call(&program).await;
    assert!(matches!(called, Called::Answered), "{called:?}");
    program.stop().await;
}

/// At any moment around the end of a renewal: afterwards it works, or it is said and mended.
#[tokio::test(flavor = "multi_thread")]
async fn kills_around_the_end_of_a_renewal_are_survived() {
    let (mut ground, mut program) = Ground::begin().await;
    for round in 0..KILLS {
        let gate = Gate::default();
        let call = ground.in_the_middle(&program, &gate).await;
        gate.end();
        // The moment follows from the round, from before the answer is read to after it is written.
        for _ in 0..round * round * 40 {
            tokio::task::yield_now().await;
        }
        kill(program).await;
        call.await.expect("a call that was cut, or was not");
        ground.authority.behave();
        program = ground.start();
        if let Called::Link(link, _) = ground.call(&program).await {
            ground.ada.open(&link, "").await;
            let called = ground.call(&program).await;
            assert!(matches!(called, Called::Answered), "round {round}: {called:?}");
        }
    }
    program.stop().await;
    assert!(ground.place.verify_audit().0);
}
