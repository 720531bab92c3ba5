//! Refresh tokens: rotated with each use, taken once more when an answer got lost, and the end of the grant when they
//! were stolen.

use super::{opens, world};
use crate::harness::Tokens;

/// RFC 9700 section 4.14.
#[tokio::test]
async fn each_refresh_gives_a_new_token_and_ends_the_old_one() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let mut tokens = client.tokens(&visitor, "own").await;
    let mut old = Vec::new();
    for _ in 0..3 {
        let answer = client.refresh(&tokens.refresh).send().await;
        let newer = Tokens::of(&answer);
        assert_ne!(newer.refresh, tokens.refresh);
        assert_eq!(newer.answer["scope"], "mcp:read mcp:call");
        old.push(std::mem::replace(&mut tokens, newer));
        world.gateway.clock.advance(31);
    }
    assert_eq!(opens(&world, "own", &tokens.access).await, 200);
    assert_eq!(client.refresh(&old[2].refresh).error().await, "invalid_grant");
    assert_eq!(opens(&world, "own", &tokens.access).await, 401, "the whole family is gone");
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    world.finish().await;
}

#[tokio::test]
async fn a_client_whose_answer_got_lost_may_try_again() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let lost = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    let found = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    assert_eq!(opens(&world, "own", &found.access).await, 200);
    let last = Tokens::of(&client.refresh(&found.refresh).send().await);
    // What was lost has been replaced: whoever has it stole it.
    assert_eq!(client.refresh(&lost.refresh).error().await, "invalid_grant");
    assert_eq!(opens(&world, "own", &last.access).await, 401);
    world.finish().await;
}

#[tokio::test]
async fn the_second_try_is_for_thirty_seconds() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let newer = Tokens::of(&client.refresh(&tokens.refresh).send().await);
    world.gateway.clock.advance(31);
    assert_eq!(client.refresh(&tokens.refresh).error().await, "invalid_grant");
    assert_eq!(world.gateway.last_record().await["reason"], "refresh_replayed");
    assert_eq!(client.refresh(&newer.refresh).error().await, "invalid_grant");
    world.finish().await;
}

/// From the list of workers-oauth-provider: a foreign resource is `invalid_target`, and nothing is rotated.
#[tokio::test]
async fn a_refresh_that_fails_rotates_nothing() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let (client, other) = (world.gateway.native().await, world.gateway.native().await);
    let ask = client.ask("own").with("scope", "mcp:read");
    let code = client.code_of(&visitor, &ask).await;
    let tokens = Tokens::of(&client.redeem(&code).send().await);
    let good = client.refresh(&tokens.refresh);
    for (attempt, error) in [
        (good.clone().with("resource", &world.gateway.resource("second")), "invalid_target"),
        (good.clone().with("resource", "https://elsewhere.example.com"), "invalid_target"),
        (good.clone().with("scope", "mcp:call"), "invalid_scope"),
        (good.clone().with("scope", "mcp:read mcp:call"), "invalid_scope"),
        (good.clone().with("refresh_token", &tokens.access), "invalid_grant"),
        (good.clone().and("refresh_token", &tokens.refresh), "invalid_request"),
        (other.refresh(&tokens.refresh), "invalid_grant"),
    ] {
        assert_eq!(attempt.error().await, error);
        world.gateway.clock.advance(40);
    }
    assert_eq!(good.with("resource", &world.gateway.resource("own")).send().await.status, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_narrower_token_does_not_narrow_the_grant() {
    let world = world().await;
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let tokens = client.tokens(&visitor, "own").await;
    let answer = client.refresh(&tokens.refresh).with("scope", "mcp:read").send().await;
    let narrow = Tokens::of(&answer);
    assert_eq!(narrow.answer["scope"], "mcp:read");
    let whole = Tokens::of(&client.refresh(&narrow.refresh).send().await);
    assert_eq!(whole.answer["scope"], "mcp:read mcp:call");
    world.finish().await;
}

#[tokio::test]
async fn refreshing_ends_when_nobody_does_and_after_a_while_anyway() {
    let world = world().await;
    world.gateway.replace(&format!(
        "{}{}\n[tokens]\nrefresh_idle = \"1h\"\nrefresh_lifetime = \"3h\"",
        world.toml(),
        super::SERVERS
    ));
    let visitor = world.gateway.signed_in("alice").await;
    let client = world.gateway.native().await;
    let idle = client.tokens(&visitor, "own").await;
    let mut busy = client.tokens(&visitor, "own").await;
    for _ in 0..3 {
        world.gateway.clock.advance(3_000);
        busy = Tokens::of(&client.refresh(&busy.refresh).send().await);
    }
    assert_eq!(client.refresh(&idle.refresh).error().await, "invalid_grant");
    world.gateway.clock.advance(2_000);
    assert_eq!(client.refresh(&busy.refresh).error().await, "invalid_grant", "three hours are over");
    assert_eq!(opens(&world, "own", &busy.access).await, 401, "the grant's end ends its tokens too");
    world.finish().await;
}
