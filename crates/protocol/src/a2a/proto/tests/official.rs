//! The official definitions, compiled, and messages made from them by an independent implementation.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use crate::a2a::Version;

/// The options that the definitions use; nothing here looks at them.
const ANNOTATIONS: &str = r#"
    syntax = "proto3";
    package google.api;
    import "google/protobuf/descriptor.proto";
    message HttpRule {
      oneof pattern { string get = 2; string put = 3; string post = 4; string delete = 5; }
      string body = 7;
      repeated HttpRule additional_bindings = 11;
    }
    extend google.protobuf.MethodOptions { HttpRule http = 72295728; }
"#;
const CLIENT: &str = r#"
    syntax = "proto3";
    package google.api;
    import "google/protobuf/descriptor.proto";
    extend google.protobuf.MethodOptions { repeated string method_signature = 1051; }
"#;
const FIELD_BEHAVIOR: &str = r#"
    syntax = "proto3";
    package google.api;
    import "google/protobuf/descriptor.proto";
    enum FieldBehavior { FIELD_BEHAVIOR_UNSPECIFIED = 0; OPTIONAL = 1; REQUIRED = 2; }
    extend google.protobuf.FieldOptions { repeated FieldBehavior field_behavior = 1052; }
"#;
/// `google/rpc/status.proto` and the three messages of `google/rpc/error_details.proto` that are used here.
const RPC: &str = r#"
    syntax = "proto3";
    package google.rpc;
    import "google/protobuf/any.proto";
    import "google/protobuf/duration.proto";
    message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
    message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
    message RetryInfo { google.protobuf.Duration retry_delay = 1; }
    message LocalizedMessage { string locale = 1; string message = 2; }
    message BadRequest {
      message FieldViolation {
        string field = 1;
        string description = 2;
        string reason = 3;
        LocalizedMessage localized_message = 4;
      }
      repeated FieldViolation field_violations = 1;
    }
    message Help { message Link { string description = 1; string url = 2; } repeated Link links = 1; }
"#;

struct Sources;

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let source = match name {
            "a2a-1.0.1.proto" => include_str!("../../../../tests/fixtures/a2a/a2a-1.0.1.proto"),
            "a2a-0.3.0.proto" => return File::from_source(name, &with_what_came_later()),
            "google/api/annotations.proto" => ANNOTATIONS,
            "google/api/client.proto" => CLIENT,
            "google/api/field_behavior.proto" => FIELD_BEHAVIOR,
            "google/rpc.proto" => RPC,
            _ => return Err(protox::Error::file_not_found(name)),
        };
        File::from_source(name, source)
    }
}

/// The file of 0.3.0 with the two fields that came after its release, under the numbers that every SDK gives them.
fn with_what_came_later() -> String {
    let mut source = include_str!("../../../../tests/fixtures/a2a/a2a-0.3.0.proto").to_owned();
    for (before, field) in [
        ("    DataPart data = 3;\n  }\n", "  google.protobuf.Struct metadata = 4;\n"),
        ("  string mime_type = 3;\n", "  string name = 4;\n"),
    ] {
        assert_eq!(source.matches(before).count(), 1, "{before}");
        source = source.replace(before, &format!("{before}{field}"));
    }
    source
}

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Sources);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler
        .open_files(["a2a-1.0.1.proto", "a2a-0.3.0.proto", "google/rpc.proto"])
        .expect("the official definitions");
    compiler.descriptor_pool()
});

pub(crate) fn pool() -> &'static DescriptorPool {
    &POOL
}

pub(crate) fn package(version: Version) -> &'static str {
    match version {
        Version::V1_0 => "lf.a2a.v1",
        Version::V0_3 => "a2a.v1",
    }
}

pub(crate) fn message(package: &str, name: &str) -> MessageDescriptor {
    let package = if name == "Empty" { "google.protobuf" } else { package };
    POOL.get_message_by_name(&format!("{package}.{name}")).expect("an official message")
}

/// What another implementation reads from JSON.
pub(crate) fn from_json(of: MessageDescriptor, json: &str) -> Result<DynamicMessage, serde_json::Error> {
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(of, &mut serde_json::Deserializer::from_str(json), &options)
}

/// What another implementation writes as JSON.
pub(crate) fn to_json(message: &DynamicMessage) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::to_value(message)
}
