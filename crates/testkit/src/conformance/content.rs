//! What the upstream says without asking anybody: contents of tools, resources, prompts and completions.

use rmcp::{
    ErrorData,
    model::{
        CallToolResult, CompleteRequestParams, CompleteResult, CompletionInfo, ContentBlock, GetPromptResult,
        JsonObject, PromptMessage, ReadResourceResult, Reference, ResourceContents, Role,
    },
};
use serde_json::{Value, json};

/// A PNG of one red pixel.
const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A WAV without a sample.
const SOUND: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// An answer of one text.
pub(super) fn says(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

/// A text argument, or what stands for it.
pub(super) fn text<'a>(arguments: &'a JsonObject, name: &str, otherwise: &'a str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or(otherwise)
}

/// The tools that only answer; `None` when `name` is not one of them.
pub(super) fn tool(name: &str, arguments: &JsonObject) -> Option<CallToolResult> {
    let answer = match name {
        "test_simple_text" => says("This is a simple text response for testing."),
        "test_image_content" => CallToolResult::success(vec![ContentBlock::image(PICTURE, "image/png")]),
        "test_audio_content" => CallToolResult::success(vec![ContentBlock::audio(SOUND, "audio/wav")]),
        "test_embedded_resource" => CallToolResult::success(vec![ContentBlock::resource(
            ResourceContents::text("This is an embedded resource content.", "test://embedded-resource")
                .with_mime_type("text/plain"),
        )]),
        "test_multiple_content_types" => CallToolResult::success(vec![
            ContentBlock::text("Multiple content types test:"),
            ContentBlock::image(PICTURE, "image/png"),
            ContentBlock::resource(
                ResourceContents::text(
                    json!({"test": "data", "value": 123}).to_string(),
                    "test://mixed-content-resource",
                )
                .with_mime_type("application/json"),
            ),
        ]),
        "test_error_handling" => CallToolResult::error(vec![ContentBlock::text(
            "This tool intentionally returns an error for testing",
        )]),
        "json_schema_2020_12_tool" | "test_x_mcp_header" => says(json!(arguments).to_string()),
        "greet" => says(format!("Hello, {}!", text(arguments, "name", "stranger"))),
        _ => return None,
    };
    Some(answer)
}

/// `resources/read`.
///
/// # Errors
/// Resource not found, with `data.uri`.
pub(super) fn resource(uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let content = match uri {
        "test://static-text" => {
            ResourceContents::text("This is the content of the static text resource.", uri)
                .with_mime_type("text/plain")
        }
        "test://static-binary" => ResourceContents::blob(PICTURE, uri).with_mime_type("image/png"),
        "test://watched-resource" => {
            ResourceContents::text("Nothing happened yet.", uri).with_mime_type("text/plain")
        }
        _ => template(uri).ok_or_else(|| {
            ErrorData::resource_not_found("There is no such resource", Some(json!({ "uri": uri })))
        })?,
    };
    Ok(ReadResourceResult::new(vec![content]))
}

fn template(uri: &str) -> Option<ResourceContents> {
    let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
    let document = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
    Some(ResourceContents::text(document.to_string(), uri).with_mime_type("application/json"))
}

/// `prompts/get` of the prompts that ask nothing back.
///
/// # Errors
/// Invalid parameters when there is no such prompt.
pub(super) fn prompt(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ErrorData> {
    let user = |content| PromptMessage::new(Role::User, content);
    let messages = match name {
        "test_simple_prompt" => vec![user(ContentBlock::text("This is a simple prompt for testing."))],
        "test_prompt_with_arguments" => {
            let (first, second) = (text(arguments, "arg1", ""), text(arguments, "arg2", ""));
            vec![user(ContentBlock::text(format!("Prompt with arguments: arg1='{first}', arg2='{second}'")))]
        }
        "test_prompt_with_embedded_resource" => {
            let uri = text(arguments, "resourceUri", "test://example-resource");
            let embedded = ResourceContents::text("Embedded resource content for testing.", uri);
            vec![
                user(ContentBlock::resource(embedded.with_mime_type("text/plain"))),
                user(ContentBlock::text("Please process the embedded resource above.")),
            ]
        }
        "test_prompt_with_image" => vec![
            user(ContentBlock::image(PICTURE, "image/png")),
            user(ContentBlock::text("Please analyze the image above.")),
        ],
        _ => return Err(ErrorData::invalid_params(format!("There is no prompt `{name}`"), None)),
    };
    Ok(GetPromptResult::new(messages))
}

/// `completion/complete`: whatever was typed, and its continuation.
///
/// # Errors
/// Internal, when the SDK refuses the values.
pub(super) fn completion(request: &CompleteRequestParams) -> Result<CompleteResult, ErrorData> {
    let typed = &request.argument.value;
    let values = match &request.r#ref {
        Reference::Prompt(_) => vec![format!("{typed}ris"), format!("{typed}rk")],
        _ => vec![format!("{typed}1"), format!("{typed}2")],
    };
    let info = CompletionInfo::new(values).map_err(|error| ErrorData::internal_error(error, None))?;
    Ok(CompleteResult::new(info))
}
