//! The one check of a whole text: RFC 8259, UTF-8, depth, and no member name twice.
//!
//! Iterative, so that depth costs a stack entry of ours and never the thread's stack. Reads each byte once
//! (after the UTF-8 check) and keeps only the spans of the names of the objects that are open.

use std::{collections::HashSet, ops::Range};

use super::{
    JsonError,
    index::{Index, IndexBuilder},
    scan::{is_space, plain},
    text::{hex4, unescape},
};

/// Up to this many names are compared with each other at worst; more go through a hash set.
const FEW: usize = 32;

/// So many containers, and twice as many names, are open at once in usual texts: for those, nothing has to grow.
const USUAL: usize = 8;

/// Checks the whole text; says where its value lies, and where its containers end.
pub(super) fn check(text: &[u8], max_depth: usize) -> Result<(Range<usize>, Index), JsonError> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(JsonError::Utf8 { offset: error.valid_up_to() });
    }
    let mut checker = Checker {
        text,
        at: 0,
        max_depth,
        open: Vec::with_capacity(USUAL),
        names: Vec::with_capacity(2 * USUAL),
        index: IndexBuilder::with_capacity(USUAL),
    };
    checker.space();
    if checker.at == text.len() {
        return Err(JsonError::Empty);
    }
    let start = checker.at;
    checker.run()?;
    let end = checker.at;
    checker.space();
    if checker.at < text.len() {
        return Err(JsonError::TrailingData { offset: checker.at });
    }
    Ok((start..end, checker.index.finish()))
}

/// A container whose closing bracket has not come yet.
enum Open {
    Array {
        /// Its place in the index.
        slot: usize,
    },
    Object {
        /// Its place in the index.
        slot: usize,
        /// Where this object's names begin in `Checker::names`.
        first: usize,
        /// Whether any of them has an escape, so that comparing raw bytes is not enough.
        escaped: bool,
    },
}

struct Checker<'a> {
    text: &'a [u8],
    at: usize,
    max_depth: usize,
    open: Vec<Open>,
    /// The names of all open objects, without their quotes.
    names: Vec<Range<usize>>,
    index: IndexBuilder,
}

impl Checker<'_> {
    /// Checks one value with everything in it. `at` stands on its first byte.
    fn run(&mut self) -> Result<(), JsonError> {
        loop {
            // Down: to the first value that is not a container with something in it.
            while self.value()? {}
            // Up: past everything that ends here.
            loop {
                match self.open.last() {
                    None => return Ok(()),
                    Some(Open::Array { .. }) => {
                        if self.comma_or(b']')? {
                            break;
                        }
                    }
                    Some(Open::Object { .. }) => {
                        if self.comma_or(b'}')? {
                            self.name()?;
                            break;
                        }
                        self.close_object()?;
                    }
                }
                // A comma leads to the next value; a closing bracket leaves the container.
                if let Some(Open::Array { slot } | Open::Object { slot, .. }) = self.open.pop() {
                    self.index.close(slot, self.at);
                }
            }
        }
    }

    /// Reads a scalar or an empty container whole (`false`), or enters a container and stops before its first
    /// value (`true`).
    fn value(&mut self) -> Result<bool, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| false),
            Some(b'{') => {
                let start = self.at;
                self.enter()?;
                if self.eat(b'}') {
                    return Ok(false);
                }
                let slot = self.index.open(start);
                self.open.push(Open::Object { slot, first: self.names.len(), escaped: false });
                self.name()?;
                Ok(true)
            }
            Some(b'[') => {
                let start = self.at;
                self.enter()?;
                if self.eat(b']') {
                    return Ok(false);
                }
                let slot = self.index.open(start);
                self.open.push(Open::Array { slot });
                Ok(true)
            }
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            Some(b't') => self.literal(b"true").map(|()| false),
            Some(b'f') => self.literal(b"false").map(|()| false),
            Some(b'n') => self.literal(b"null").map(|()| false),
            _ => Err(self.syntax()),
        }
    }

    /// Passes an opening bracket and the white space behind it.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.open.len() >= self.max_depth {
            return Err(JsonError::TooDeep { offset: self.at, limit: self.max_depth });
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// After a value in a container: `true` past a comma, `false` past the closing bracket.
    fn comma_or(&mut self, close: u8) -> Result<bool, JsonError> {
        self.space();
        if self.eat(b',') {
            self.space();
            return Ok(true);
        }
        if self.eat(close) { Ok(false) } else { Err(self.syntax()) }
    }

    /// Reads a member's name and colon, and stops at its value.
    fn name(&mut self) -> Result<(), JsonError> {
        let quote = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.syntax());
        }
        let has_escape = self.string()?;
        let inner = quote + 1..self.at - 1;
        if has_escape {
            if unescape(&self.text[inner.clone()]).is_none() {
                return Err(JsonError::Syntax { offset: quote });
            }
            if let Some(Open::Object { escaped, .. }) = self.open.last_mut() {
                *escaped = true;
            }
        }
        self.names.push(inner);
        self.space();
        if !self.eat(b':') {
            return Err(self.syntax());
        }
        self.space();
        Ok(())
    }

    /// Looks for a name that the object just read has twice, and forgets its names.
    fn close_object(&mut self) -> Result<(), JsonError> {
        let Some(&Open::Object { first, escaped, .. }) = self.open.last() else { return Ok(()) };
        let names = &self.names[first..];
        let twice = if escaped {
            repeated(names.iter().map(|name| unescape(&self.text[name.clone()])))
        } else if names.len() <= FEW {
            self.repeated_of_few(names)
        } else {
            repeated(names.iter().map(|name| &self.text[name.clone()]))
        };
        if let Some(at) = twice {
            return Err(JsonError::DuplicateKey { offset: names[at].start - 1 });
        }
        self.names.truncate(first);
        Ok(())
    }

    /// Compares names only when something cheap about them is equal: length and last bytes.
    fn repeated_of_few(&self, names: &[Range<usize>]) -> Option<usize> {
        let mut seen = 0_u64;
        names.iter().enumerate().position(|(at, name)| {
            let name = &self.text[name.clone()];
            let ends = name.iter().rev().take(3).fold(name.len(), |mix, byte| mix * 37 + usize::from(*byte));
            let mark = 1_u64 << (ends % 64);
            let maybe = seen & mark != 0;
            seen |= mark;
            maybe && names[..at].iter().any(|before| &self.text[before.clone()] == name)
        })
    }

    /// Reads a string. Says whether it has escapes.
    fn string(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain(&self.text[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    self.escape()?;
                    escaped = true;
                }
                _ => return Err(self.syntax()),
            }
        }
    }

    /// Reads one escape.
    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                if self.text.get(self.at..self.at + 4).and_then(hex4).is_none() {
                    return Err(self.syntax());
                }
                self.at += 4;
            }
            _ => return Err(self.syntax()),
        }
        Ok(())
    }

    /// Reads a number (RFC 8259, section 6).
    fn number(&mut self) -> Result<(), JsonError> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads one digit or more.
    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax()) } else { Ok(()) }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.syntax());
        }
        self.at += word.len();
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn syntax(&self) -> JsonError {
        JsonError::Syntax { offset: self.at }
    }
}

/// The place of the first item that came before. The set's hasher is seeded at random, so that a sender cannot
/// choose names that collide.
fn repeated<T: std::hash::Hash + Eq>(items: impl ExactSizeIterator<Item = T>) -> Option<usize> {
    let mut seen = HashSet::with_capacity(items.len());
    items.enumerate().find_map(|(at, item)| (!seen.insert(item)).then_some(at))
}
