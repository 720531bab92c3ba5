//! Where long containers end, noted while the text is checked, so that looking something up steps over them
//! instead of walking through them again.

use std::sync::Arc;

/// Containers shorter than this, in bytes, are walked through: that is as fast as finding them here.
const SHORT: usize = 48;

/// Start and end of long containers, in the order of their starts. Cloning it copies nothing.
#[derive(Clone, Default)]
pub(super) struct Index(Option<Arc<[(u32, u32)]>>);

/// An index in the making.
pub(super) struct IndexBuilder {
    containers: Vec<(u32, u32)>,
    /// An offset does not fit: the text is too long for this index, which is only ever a help.
    overflown: bool,
}

impl Index {
    /// The containers.
    pub(super) fn containers(&self) -> &[(u32, u32)] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl IndexBuilder {
    /// With room for so many containers.
    pub(super) fn with_capacity(containers: usize) -> Self {
        Self { containers: Vec::with_capacity(containers), overflown: false }
    }

    /// Notes the opening bracket of a container; the slot goes to [`Self::close`].
    pub(super) fn open(&mut self, start: usize) -> usize {
        let start = u32::try_from(start).unwrap_or_else(|_| {
            self.overflown = true;
            u32::MAX
        });
        self.containers.push((start, start));
        self.containers.len() - 1
    }

    /// Notes the end of a container. Short ones without long ones in them are forgotten at once.
    pub(super) fn close(&mut self, slot: usize, end: usize) {
        let end = u32::try_from(end).unwrap_or_else(|_| {
            self.overflown = true;
            u32::MAX
        });
        let Some(container) = self.containers.get_mut(slot) else { return };
        container.1 = end;
        let length = usize::try_from(end - container.0).unwrap_or(usize::MAX);
        if length < SHORT && slot + 1 == self.containers.len() {
            self.containers.pop();
        }
    }

    pub(super) fn finish(self) -> Index {
        if self.overflown || self.containers.is_empty() {
            Index(None)
        } else {
            Index(Some(self.containers.into()))
        }
    }
}
