//! A person at a browser, as far as the story needs one: it keeps cookies, follows redirects, reads forms and presses
//! buttons by their words.
//!
//! It knows no address but those that it is given, no field that no form has, and it runs no program, as no page of
//! Doorward's has any.

mod html;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use http::header;
use url::Url;

use super::agent::{Agent, Answer, Call};

/// Most redirects in a row.
const MOST_REDIRECTS: usize = 5;

/// A browser with its cookies.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    cookies: BTreeMap<String, String>,
}

/// Where a browser has got to.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: Url,
    pub(super) status: u16,
    body: String,
    /// Where a redirect leads that leaves the site. What is there is somebody else's.
    pub(super) left: Option<Url>,
}

impl Visitor {
    /// Opens an address.
    pub(super) async fn open(&mut self, agent: &Agent, url: &str) -> anyhow::Result<Page> {
        let url = Url::parse(url).with_context(|| format!("{url:?} is no address"))?;
        self.go(agent, Call::get(url.as_str()), url).await
    }

    /// Types into the fields of a form, and presses one of its buttons.
    pub(super) async fn press(
        &mut self,
        agent: &Agent,
        page: &Page,
        button: &str,
        typed: &[(&str, &str)],
    ) -> anyhow::Result<Page> {
        let form = html::form(&page.body, button)
            .with_context(|| format!("{} has no button {button:?}", page.url.path()))?;
        let mut fields = form.fields;
        for (name, value) in typed {
            let field = fields.iter_mut().find(|(found, _)| found == name);
            let (_, field) = field.with_context(|| format!("the form has no field {name:?}"))?;
            (*value).clone_into(field);
        }
        let url = page.url.join(&form.action)?;
        // The pages ask for no referrer, so browsers name no origin either.
        let call = Call::form(url.as_str(), fields).header("origin", "null");
        self.go(agent, call, url).await
    }

    /// The values of its cookies.
    pub(super) fn cookies(&self) -> impl Iterator<Item = &str> {
        self.cookies.values().map(String::as_str)
    }

    async fn go(&mut self, agent: &Agent, call: Call, mut url: Url) -> anyhow::Result<Page> {
        let mut next = call;
        for _ in 0..MOST_REDIRECTS {
            let answer = agent.send(self.with_cookies(next)).await?;
            self.keep_cookies(&answer);
            let onward = if answer.status.is_redirection() { answer.header("location") } else { "" };
            let onward = if onward.is_empty() { None } else { Some(url.join(onward)?) };
            match onward {
                Some(onward) if onward.origin() == url.origin() => {
                    next = Call::get(onward.as_str());
                    url = onward;
                }
                left => {
                    let body = String::from_utf8_lossy(&answer.body).into_owned();
                    return Ok(Page { url, status: answer.status.as_u16(), body, left });
                }
            }
        }
        bail!("{} redirects without an end", url.path())
    }

    fn with_cookies(&self, call: Call) -> Call {
        if self.cookies.is_empty() {
            return call;
        }
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        call.header("cookie", &pairs.join("; "))
    }

    /// Everything is on one site and in one sitting: names and values are all that matters, and `Max-Age=0`.
    fn keep_cookies(&mut self, answer: &Answer) {
        let lines = answer.headers.get_all(header::SET_COOKIE).iter();
        for line in lines.filter_map(|line| line.to_str().ok()) {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            if attributes.split(';').any(|attribute| attribute.trim() == "Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

impl Page {
    /// The page's heading.
    pub(super) fn heading(&self) -> String {
        html::heading(&self.body)
    }

    /// What a person reads, line by line, up to the first form of the page or to its end.
    pub(super) fn text(&self) -> String {
        html::text(&self.body)
    }

    /// Whether the page has a button with these words.
    pub(super) fn has_button(&self, button: &str) -> bool {
        html::form(&self.body, button).is_some()
    }
}
