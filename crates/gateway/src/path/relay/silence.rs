//! How long a stream has said nothing.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep};

/// The wait for a silence. One timer for all of a stream: it is set anew only when it has run out, not with each event.
pub(in crate::path) struct Silence {
    length: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    /// Silences of this length.
    pub(in crate::path) fn new(length: Duration) -> Self {
        Self { length, timer: Box::pin(sleep(length)) }
    }

    /// Done when this wait has lasted for the whole length. May be dropped: the next wait begins anew.
    pub(in crate::path) async fn lasts(&mut self) {
        let until = Instant::now() + self.length;
        loop {
            self.timer.as_mut().await;
            if Instant::now() >= until {
                return;
            }
            self.timer.as_mut().reset(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn each_wait_lasts_for_the_whole_length() {
        let length = Duration::from_secs(1);
        let mut silence = Silence::new(length);
        silence.timer.as_mut().await;
        // A wait that is given up leaves nothing behind, nor does the timer that has run out.
        let looked = std::pin::pin!(silence.lasts()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(looked.is_pending());
        let begin = Instant::now();
        silence.lasts().await;
        assert!(begin.elapsed() >= length);
    }
}
