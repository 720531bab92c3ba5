//! Cookies, read strictly and written with everything that browsers offer.
//!
//! With TLS the names begin with `__Host-`: no neighbouring host can plant one. In clear, on loopback, browsers
//! would refuse that prefix.

use http::{HeaderMap, HeaderValue, header};

/// What the cookies are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Tells browsers apart, so that a form or a redirect counts only where it was given out.
    Browser,
    /// Who is signed in.
    Session,
}

impl Cookie {
    const fn name(self, tls: bool) -> &'static str {
        match (self, tls) {
            (Self::Browser, true) => "__Host-doorward_browser",
            (Self::Browser, false) => "doorward_browser",
            (Self::Session, true) => "__Host-doorward_session",
            (Self::Session, false) => "doorward_session",
        }
    }

    /// The cookie's value. One that comes twice was tampered with, and does not count.
    pub(crate) fn read(self, headers: &HeaderMap, tls: bool) -> Option<&str> {
        let name = self.name(tls);
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// A `Set-Cookie` value; gone at once when `value` is empty. Ends with the browser's session.
    pub(crate) fn set(self, value: &str, tls: bool) -> HeaderValue {
        let secure = if tls { "; Secure" } else { "" };
        let gone = if value.is_empty() { "; Max-Age=0" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{gone}", self.name(tls));
        // Values are our own: base64url or hex.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn a_cookie_is_read_by_its_exact_name_and_once() {
        let read = |lines: &[&'static str]| Cookie::Session.read(&headers(lines), false).map(str::to_owned);
        assert_eq!(read(&["a=1; doorward_session=x; b=2"]), Some("x".into()));
        assert_eq!(read(&["a=1", "doorward_session=x"]), Some("x".into()));
        assert_eq!(read(&["doorward_session=x; doorward_session=y"]), None);
        assert_eq!(read(&["__Host-doorward_session=x"]), None);
        assert_eq!(read(&["Doorward_session=x; xdoorward_session=y"]), None);
    }

    #[test]
    fn cookies_have_every_protection_that_there_is() {
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        assert_eq!(
            text(&Cookie::Session.set("x", true)),
            "__Host-doorward_session=x; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            text(&Cookie::Browser.set("", false)),
            "doorward_browser=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }
}
