//! Words: keys that take one of a few texts.

use super::{Found, Section};
use crate::{context::shown, mistake::Complaint, suggest::did_you_mean};

impl Section<'_> {
    /// What the word under a key stands for; `what` is what a complaint calls such words.
    pub(crate) fn word<T: Copy>(&self, name: &str, what: &str, known: &[(&str, T)]) -> Option<T> {
        let word = self.text(name)?;
        self.meaning(&word, what, known)
    }

    /// What a word stands for, or a mistake that names the known ones.
    pub(crate) fn meaning<T: Copy>(&self, word: &Found<&str>, what: &str, known: &[(&str, T)]) -> Option<T> {
        let words = || known.iter().map(|(word, _)| *word);
        let meaning = known.iter().find(|(known, _)| *known == word.value).map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            let complaint = Complaint::new(format!("unknown {what} `{}`", shown(word.value)));
            let list = format!("known: {}", words().collect::<Vec<_>>().join(", "));
            self.context.mistake(&word.at, complaint.hint(list).hint_if(did_you_mean(word.value, words())));
        }
        meaning
    }
}
