use std::{sync::Arc, time::Duration};

use super::*;
use crate::channel::Cause;

async fn is_pending<T>(waits: impl Future<Output = T>) -> bool {
    tokio::time::timeout(Duration::from_millis(20), waits).await.is_err()
}

#[tokio::test]
async fn messages_wait_for_room_in_bytes() {
    let (feed, mut queue) = queue(10);
    let state = State::new();
    assert!(feed.push(Bytes::from_static(b"123456"), &state).await);
    assert!(is_pending(feed.push(Bytes::from_static(b"12345"), &state)).await, "eleven bytes");
    assert!(feed.push(Bytes::from_static(b"1234"), &state).await, "ten bytes");
    assert_eq!(queue.next().await.expect("one").expect("no fault").len(), 6);
    assert!(feed.push(Bytes::from_static(b"12345"), &state).await, "room is given back");
}

#[tokio::test]
async fn messages_wait_for_room_in_number() {
    let (feed, _queue) = queue(1 << 20);
    let state = State::new();
    for _ in 0..MESSAGES {
        assert!(feed.push(Bytes::from_static(b"{}"), &state).await);
    }
    assert!(is_pending(feed.push(Bytes::from_static(b"{}"), &state)).await);
}

#[tokio::test]
async fn whoever_waits_for_room_is_let_go_when_the_queue_is_dropped_or_the_channel_closed() {
    let (feed, queue) = queue(1);
    let state = Arc::new(State::new());
    assert!(feed.push(Bytes::from_static(b"1"), &state).await);
    let (waits, closes) = tokio::join!(feed.push(Bytes::from_static(b"2"), &state), async {
        tokio::task::yield_now().await;
        state.begin(Cause::Closed);
    });
    assert!(!waits, "{closes:?}");

    let state = State::new();
    let (waits, ()) = tokio::join!(feed.push(Bytes::from_static(b"3"), &state), async {
        tokio::task::yield_now().await;
        drop(queue);
    });
    assert!(!waits);
}

#[tokio::test]
async fn a_message_of_the_whole_limit_fits() {
    let (feed, mut queue) = queue(4);
    assert!(feed.push(Bytes::from_static(b"1234"), &State::new()).await);
    assert_eq!(queue.next().await.expect("one").expect("no fault"), "1234");
}
