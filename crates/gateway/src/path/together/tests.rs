use std::{collections::VecDeque, future::poll_fn};

use futures_util::stream;
use http::HeaderMap;
use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;

/// What a stream does at one look.
#[derive(Debug, Clone)]
enum Step {
    Frame(Vec<u8>),
    /// It is ready again when its task has been woken.
    Wait,
}

fn played(steps: Vec<Step>) -> Together {
    let mut steps = VecDeque::from(steps);
    Together::new(stream::poll_fn(move |context| match steps.pop_front() {
        Some(Step::Frame(data)) => Poll::Ready(Some(Frame::data(data.into()))),
        Some(Step::Wait) => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
        None => Poll::Ready(None),
    }))
}

async fn next(together: &mut Together) -> Option<Frame<Bytes>> {
    poll_fn(|context| together.poll_frame(context)).await
}

/// The data of all frames that are left, and how many of the last are trailers.
async fn rest(together: &mut Together) -> (Vec<Bytes>, usize) {
    let (mut data, mut trailers) = (Vec::new(), 0);
    while let Some(frame) = next(together).await {
        match frame.into_data() {
            Ok(bytes) if trailers == 0 => data.push(bytes),
            _ => trailers += 1,
        }
    }
    (data, trailers)
}

fn frames(texts: &[&'static str]) -> Vec<Frame<Bytes>> {
    texts.iter().map(|text| Frame::data(Bytes::from_static(text.as_bytes()))).collect()
}

#[tokio::test]
async fn what_is_ready_leaves_together_behind_the_first() {
    let mut all = frames(&["a", "b", "c"]);
    all.push(Frame::trailers(HeaderMap::new()));
    let mut together = Together::new(stream::iter(all));
    assert_eq!(rest(&mut together).await, (vec![Bytes::from("a"), Bytes::from("bc")], 1));
}

#[tokio::test]
async fn no_frame_waits_for_what_is_not_there() {
    let two = stream::iter(frames(&["a", "b"])).chain(stream::pending());
    let mut together = Together::new(two);
    for expected in ["a", "b"] {
        let frame = next(&mut together).await.expect("a frame");
        assert_eq!(frame.into_data().expect("data"), expected);
    }
}

#[tokio::test]
async fn what_shows_only_when_others_have_run_leaves_together() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut together = Together::new(stream::poll_fn(move |context| receiver.poll_recv(context)));
    tokio::spawn(async move {
        for frame in frames(&["a", "b", "c", "d", "e"]) {
            sender.send(frame).await.expect("a reader");
        }
    });
    assert_eq!(rest(&mut together).await.0, ["a", "bcde"]);
}

#[tokio::test]
async fn a_second_look_in_the_same_turn_changes_nothing() {
    let two = stream::iter(frames(&["a", "b"])).chain(stream::pending());
    let mut together = Together::new(two);
    next(&mut together).await;
    let looks = poll_fn(|context| {
        let looks = [(); 3].map(|()| together.poll_frame(context).is_pending());
        Poll::Ready(looks)
    });
    assert_eq!(looks.await, [true; 3]);
    assert_eq!(next(&mut together).await.and_then(|frame| frame.into_data().ok()), Some("b".into()));
}

#[tokio::test]
async fn whoever_looked_last_is_woken() {
    let two = stream::iter(frames(&["a", "b"])).chain(stream::pending());
    let mut together = Together::new(two);
    next(&mut together).await;
    let first_look = poll_fn(|_| Poll::Ready(together.poll_frame(&mut Context::from_waker(Waker::noop()))));
    assert!(first_look.await.is_pending());
    assert!(next(&mut together).await.is_some());
}

#[tokio::test]
async fn long_frames_leave_by_themselves() {
    let lengths = [1, 10, MOST + 1, 10, MOST - 10, 1];
    let steps = lengths.iter().map(|length| Step::Frame(vec![b'x'; *length])).collect();
    let (data, _) = rest(&mut played(steps)).await;
    assert_eq!(data.iter().map(Bytes::len).collect::<Vec<_>>(), [1, 10, MOST + 1, MOST, 1]);
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Frame),
        1 => (0..2 * MOST).prop_map(|length| Step::Frame(vec![7; length])),
        2 => Just(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn no_byte_is_lost_or_moved(steps in prop::collection::vec(step(), 0..40)) {
        let sent: Vec<&[u8]> = steps.iter().filter_map(|step| match step {
            Step::Frame(data) => Some(&data[..]),
            Step::Wait => None,
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (data, trailers) = runtime.block_on(rest(&mut played(steps.clone())));
        prop_assert_eq!(trailers, 0);
        prop_assert_eq!(data.concat(), sent.concat());
        let longest = sent.iter().map(|data| data.len()).max().unwrap_or_default();
        prop_assert!(data.iter().all(|data| data.len() <= MOST.max(longest)));
    }
}
