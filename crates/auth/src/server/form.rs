//! Parameters of forms and queries (`application/x-www-form-urlencoded`), read strictly.
//!
//! Every known parameter counts at most once, one without a value counts as absent, and unknown ones are
//! ignored (RFC 6749 section 3.1). Values are never trimmed or otherwise improved.

use std::fmt;

use zeroize::Zeroizing;

use super::error::{OAuthError, invalid_request, invalid_target};

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 10;
/// The most parameters, known and unknown.
const MAX_PARAMETERS: usize = 100;
/// The longest value of a known parameter, in bytes; a JWT of the longest kind fits.
const MAX_VALUE: usize = 16 << 10;

/// The known parameters of one request.
///
/// Prints names only: values may be secrets, and are wiped when dropped.
#[derive(Clone, Default)]
pub struct Parameters {
    values: Vec<(&'static str, Zeroizing<String>)>,
    repeated: Vec<&'static str>,
}

impl Parameters {
    /// Reads a form or a query, of which the parameters in `known` count.
    ///
    /// # Errors
    /// `invalid_request` as for [`Parameters::read`], or when a known parameter is there twice; for `resource`
    /// that is `invalid_target`, since RFC 8707 allows several and Doorward accepts one.
    pub fn parse(text: impl AsRef<[u8]>, known: &[&'static str]) -> Result<Self, OAuthError> {
        let parameters = Self::read(text.as_ref(), known)?;
        parameters.once()?;
        Ok(parameters)
    }

    /// Reads without complaining about parameters that are there twice: [`Parameters::repeats`] tells.
    ///
    /// # Errors
    /// `invalid_request` when there is too much, or when the value of a known parameter is not percent-encoded
    /// UTF-8 without control characters.
    pub fn read(text: &[u8], known: &[&'static str]) -> Result<Self, OAuthError> {
        if text.len() > MAX_BYTES {
            return Err(invalid_request("the request is too long"));
        }
        let mut parameters = Self::default();
        for (count, pair) in text.split(|byte| *byte == b'&').enumerate() {
            if count >= MAX_PARAMETERS {
                return Err(invalid_request("there are too many parameters"));
            }
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
            // A name that cannot be read is not one of ours.
            let name = decode(name).and_then(|name| known.iter().find(|known| **known == *name));
            if let Some(name) = name.filter(|_| !value.is_empty()) {
                parameters.add(name, value)?;
            }
        }
        Ok(parameters)
    }

    fn add(&mut self, name: &'static str, value: &[u8]) -> Result<(), OAuthError> {
        if value.len() > MAX_VALUE {
            return Err(invalid_request("a parameter is too long"));
        }
        let value = decode(value).filter(|value| !value.chars().any(char::is_control));
        let value = value.ok_or(invalid_request("a parameter is not percent-encoded text"))?;
        if self.get(name).is_some() {
            self.repeated.push(name);
        } else {
            self.values.push((name, value));
        }
        Ok(())
    }

    /// The value of a parameter; of several, the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is there more than once.
    pub fn repeats(&self, name: &str) -> bool {
        self.repeated.contains(&name)
    }

    /// Complains about the first parameter that is there more than once.
    pub(super) fn once(&self) -> Result<(), OAuthError> {
        match self.repeated.first() {
            None => Ok(()),
            Some(&"resource") => Err(invalid_target("exactly one resource can be asked for")),
            Some(_) => Err(invalid_request("a parameter is there more than once")),
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// Undoes the encoding of forms: `+` is a space, `%` and two hexadecimal digits a byte; the whole is UTF-8.
pub(super) fn decode(text: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(*rest.next()?)? << 4 | hex_digit(*rest.next()?)?,
            other => *other,
        });
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::form_urlencoded;

    use super::*;
    use crate::server::ErrorCode;

    const KNOWN: &[&str] = &["a", "resource", "state"];

    fn code(text: &str) -> Option<ErrorCode> {
        Parameters::parse(text, KNOWN).err().map(|error| error.code)
    }

    #[test]
    fn values_are_decoded_and_nothing_else() {
        let parameters =
            Parameters::parse("a=+x%20%2B%C3%A4=&&b=%zz&%ff=1&st%61te=1&resource=", KNOWN).unwrap();
        assert_eq!(parameters.get("a"), Some(" x +ä="));
        assert_eq!(parameters.get("state"), Some("1"));
        assert_eq!(parameters.get("resource"), None, "empty is absent");
        assert_eq!(parameters.get("b"), None, "unknown");
        assert_eq!(format!("{parameters:?}"), r#"["a", "state"]"#, "no values are printed");
    }

    #[test]
    fn a_known_parameter_counts_once() {
        assert_eq!(code("a=1&a=1"), Some(ErrorCode::InvalidRequest));
        assert_eq!(code("a=1&%61=2"), Some(ErrorCode::InvalidRequest));
        assert_eq!(code("resource=1&resource=2"), Some(ErrorCode::InvalidTarget));
        assert_eq!(code("a=&a=1&a=&b=1&b=2&A=3"), None);
        let read = Parameters::read(b"a=1&a=2", KNOWN).unwrap();
        assert_eq!((read.get("a"), read.repeats("a"), read.repeats("state")), (Some("1"), true, false));
    }

    #[test]
    fn garbage_is_refused() {
        let (long, many) = (format!("a={}", "x".repeat(MAX_VALUE + 1)), "&".repeat(MAX_PARAMETERS));
        let huge = "x".repeat(MAX_BYTES + 1);
        for bad in
            ["a=%", "a=%4", "a=%4g", "a=%ff", "a=%00", "a=x%0d%0ay", "a=%7f", "a=%C2%85", &long, &many, &huge]
        {
            assert_eq!(code(bad), Some(ErrorCode::InvalidRequest), "{bad:.40}");
        }
    }

    proptest! {
        #[test]
        fn what_another_writer_wrote_is_read(value in "\\PC{1,40}", other in "\\PC{0,40}") {
            let text: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("b", &other).append_pair("a", &value).finish();
            let parameters = Parameters::parse(&text, KNOWN).unwrap();
            prop_assert_eq!(parameters.get("a"), Some(&*value));
        }

        #[test]
        fn what_is_accepted_is_what_another_reader_reads(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let text = [b"a=", bytes.as_slice()].concat();
            if let Ok(parameters) = Parameters::parse(&text, KNOWN) {
                let theirs = form_urlencoded::parse(&text).find(|(name, value)| name == "a" && !value.is_empty());
                prop_assert_eq!(parameters.get("a"), theirs.as_ref().map(|(_, value)| &**value));
            }
        }
    }
}
