//! What an attempt at a delivery means for it.

use std::time::Duration;

use doorward_egress::EgressError;
use http::{HeaderMap, StatusCode, header};

/// The longest pause between two attempts, in seconds.
const LONGEST: u64 = 15 * 60;

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has arrived.
    Arrived,
    /// It is attempted again, not before so many seconds, as far as the receiver says.
    Again(String, Option<u64>),
    /// The receiver will never take this one.
    Never(String),
    /// The webhook is given up.
    GiveUp(String),
}

impl Verdict {
    /// By the head of an answer. A redirect is not followed, and may be mended by whoever runs the receiver; so may
    /// everything else that does not say it is for good.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let error = format!("the receiver answered with HTTP status {}", status.as_u16());
        match status.as_u16() {
            200..=299 => Self::Arrived,
            410 => Self::GiveUp(error),
            400 | 413 | 415 | 422 => Self::Never(error),
            _ => Self::Again(error, retry_after(headers)),
        }
    }

    /// By what went wrong before there was an answer. An address that must not be dialled was not one when the webhook
    /// was registered: somebody has moved it since.
    pub(super) fn of_error(error: &EgressError) -> Self {
        match error {
            EgressError::Refused(_) => Self::GiveUp(error.to_string()),
            _ => Self::Again(error.to_string(), None),
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// How long to wait after an attempt, counted from 1: a second, twice as long each time, at most a quarter of an hour,
/// and up to half as long again by chance, so that those who failed together do not come back together.
pub(super) fn pause(attempt: i64, asked: Option<u64>, chance: u16) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(10);
    let base = (1_u64 << doublings).max(asked.unwrap_or(0)).min(LONGEST);
    let spread = base * 500 * u64::from(chance) / u64::from(u16::MAX);
    Duration::from_millis((base * 1_000 + spread).min(LONGEST * 1_000))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn pauses_grow_from_a_second_to_a_quarter_of_an_hour() {
        let least: Vec<_> = (1..=13).map(|attempt| pause(attempt, None, 0).as_secs()).collect();
        assert_eq!(least, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(pause(2, None, u16::MAX), Duration::from_secs(3));
        for odd in [i64::MIN, -1, 0, i64::MAX] {
            let pause = pause(odd, Some(u64::MAX), u16::MAX);
            assert!((1..=LONGEST).contains(&pause.as_secs()), "{odd}: {pause:?}");
        }
        assert_eq!(pause(1, Some(30), 0), Duration::from_secs(30), "as the receiver asks");
    }

    #[test]
    fn answers_decide() {
        let verdict =
            |status: u16| Verdict::of(StatusCode::from_u16(status).expect("one"), &HeaderMap::new());
        for status in [200, 202, 204] {
            assert_eq!(verdict(status), Verdict::Arrived);
        }
        assert!(matches!(verdict(410), Verdict::GiveUp(_)));
        for status in [400, 413, 415, 422] {
            assert!(matches!(verdict(status), Verdict::Never(_)), "{status}");
        }
        for status in [301, 302, 307, 401, 403, 404, 408, 429, 500, 503] {
            assert!(matches!(verdict(status), Verdict::Again(_, None)), "{status}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
        let asked = Verdict::of(StatusCode::SERVICE_UNAVAILABLE, &headers);
        assert!(matches!(asked, Verdict::Again(_, Some(7))), "{asked:?}");
        let refused = EgressError::Refused(doorward_egress::AddressError::NotPublic);
        assert!(matches!(Verdict::of_error(&refused), Verdict::GiveUp(_)));
        assert!(matches!(Verdict::of_error(&EgressError::Connect(String::new())), Verdict::Again(..)));
    }
}
