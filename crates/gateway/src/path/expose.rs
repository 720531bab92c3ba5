//! Stage 5: does what is asked for exist here? Hidden and non-existent get the same answer.

use doorward_guard::exposure::{self, Cleared};
use doorward_model::Kind;
use doorward_protocol::mcp::target::Target;

use super::{Reason, Refusal, engine::Asked};

/// Clears what is asked for, before the upstream is contacted.
pub(super) fn clear(asked: &Asked) -> Result<Cleared, Refusal> {
    let target = asked.target();
    let wanted = match target {
        // Doorward's own: whether it is there says nothing of the upstream.
        Target::Named(Kind::Tool, name) if asked.published().own_tool.as_deref() == Some(&**name) => {
            exposure::Asked::Nothing
        }
        Target::Named(kind, name) => exposure::Asked::Named(*kind, name),
        Target::Uri(uri) => exposure::Asked::Uri(uri),
        Target::TemplateOrUri(text) => exposure::Asked::TemplateOrUri(text),
        Target::Task(_) | Target::Nothing => exposure::Asked::Nothing,
    };
    asked.published().exposure.clear(wanted, asked.upstream_templates()).map_err(|_| {
        let reason = match target {
            Target::Named(kind, _) => Reason::HiddenName(*kind),
            _ => Reason::HiddenUri(asked.era(), target.text().unwrap_or_default().to_owned()),
        };
        Refusal::from(reason).of(asked.client_id())
    })
}
