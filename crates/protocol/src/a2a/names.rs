//! Resource names of the proto of 0.3 (`tasks/{id}/pushNotificationConfigs/{id}`), the ids in them, and the spellings in
//! which `ProtoJSON` takes the name of a member.

use std::borrow::Cow;

/// Whether a text can be an id in a path or resource name: one segment, and not one that means another place.
pub(super) fn is_id(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '\0'])
}

/// `tasks/{id}`
pub(super) fn task(id: &str) -> String {
    format!("tasks/{id}")
}

/// `tasks/{id}/pushNotificationConfigs/{id}`
pub(super) fn config(task: &str, config: &str) -> String {
    format!("tasks/{task}/pushNotificationConfigs/{config}")
}

/// The id in `tasks/{id}`.
pub(super) fn parse_task(name: &str) -> Option<&str> {
    name.strip_prefix("tasks/").filter(|id| is_id(id))
}

/// The ids in `tasks/{id}/pushNotificationConfigs/{id}`.
pub(super) fn parse_config(name: &str) -> Option<(&str, &str)> {
    let (task, config) = name.strip_prefix("tasks/")?.split_once("/pushNotificationConfigs/")?;
    (is_id(task) && is_id(config)).then_some((task, config))
}

/// The name of a field in a proto file, for its name in JSON: `taskId` is `task_id`.
pub(super) fn snake(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    Cow::Owned(out)
}

/// Whether some reader takes a member `written` for the one called `name`: as it is, as its field's name, or without
/// regard to case and underscores.
pub(super) fn could_mean(written: &str, name: &str) -> bool {
    written == name || letters(written).eq(letters(name))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| *character != '_').map(fold)
}

/// As readers fold that ignore case: ASCII, and the two other letters that fold to ASCII.
fn fold(character: char) -> char {
    match character {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_names_lead_back_to_their_ids() {
        assert_eq!(parse_task(&task("a:b")), Some("a:b"));
        assert_eq!(parse_config(&config("a", "b")), Some(("a", "b")));
        for bad in ["", "tasks/", "tasks/..", "tasks/a/b", "task/a", "/tasks/a", "tasks/a\0"] {
            assert_eq!(parse_task(bad), None, "{bad:?}");
        }
        for bad in ["tasks/a", "tasks/a/pushNotificationConfigs/", "tasks//pushNotificationConfigs/b"] {
            assert_eq!(parse_config(bad), None, "{bad:?}");
        }
        assert_eq!(parse_config("tasks/a/pushNotificationConfigs/b/pushNotificationConfigs/c"), None);
    }

    #[test]
    fn a_member_is_told_in_every_spelling() {
        assert_eq!(snake("statusTimestampAfter"), "status_timestamp_after");
        assert_eq!(snake("id"), "id");
        for written in ["taskId", "task_id", "TaskID", "TASK_ID", "tas\u{212A}Id"] {
            assert!(could_mean(written, "taskId"), "{written}");
        }
        assert!(!could_mean("taskIds", "taskId"));
    }
}
