//! What is left of all this: one record of every request, chained so that nobody can change one unseen.

use std::collections::BTreeSet;

use doorward_store::{AuditReport, verify_audit};
use serde_json::{Value, json};

use super::{
    super::{narrator::Narrator, scene::Scene},
    agents::COMPLETED,
    hidden::HIDDEN,
};

/// Reasons that the story must have left behind.
const REASONS: [&str; 19] = [
    "ok",
    "first_link_unknown",
    "credential_missing",
    "sign_in_failed",
    "invalid_grant",
    "code_replayed",
    "token_unknown",
    "hidden",
    "token_audience",
    "token_expired",
    "token_key_unknown",
    "token_signature",
    "token_algorithm",
    "token_issuer",
    "credential_in_query",
    "session_unknown",
    "task_not_found",
    "host_not_allowed",
    "origin_not_allowed",
];
/// Width of the column that says what was asked.
const METHOD: usize = 25;
/// Most records that are read.
const PAGE: u32 = 1000;

/// Step: the records, and their chain.
pub(in super::super) async fn shown(narrator: &mut Narrator<'_>, scene: &mut Scene) -> anyhow::Result<()> {
    narrator.step(
        "Everything is on record",
        "Doorward is stopped now, and its store is read as `doorward audit verify` reads it.",
    );
    scene.stop_gateway().await;
    let store = scene.open_store().await?;
    let read = read(&store).await;
    store.close().await;
    let (records, report) = read?;
    table(narrator, &records);
    narrator.check_eq(
        "there is exactly one record of each request that the agent and the browser sent",
        &records.len(),
        &scene.sent(),
    );
    let missing: Vec<_> = REASONS
        .into_iter()
        .filter(|reason| !records.iter().any(|record| record["reason"] == *reason))
        .collect();
    narrator.check_eq("each kind of refusal is there, under its own name", &missing, &Vec::new());
    let deletions: Vec<_> = records.iter().filter(|record| record["capability"] == HIDDEN).collect();
    let refused = |record: &&Value| {
        record["decision"] == "refused" && record["subject"] == "alice" && record["upstream"].is_null()
    };
    let on_record = !deletions.is_empty() && deletions.iter().all(refused);
    narrator.check("the operator can see that alice tried to delete all notes", on_record);
    let mut ended = records.iter().filter(|record| record["reason"] == "code_replayed");
    let named = ended.any(|record| record["subject"] == "alice" && record["server"] == "notes");
    narrator.check("the operator can see whose access ended because a code came twice", named);
    let mut tasks = records.iter().filter(|record| record["method"] == "SendMessage");
    let told = tasks.any(|record| {
        record["agent"] == "helper" && record["subject"] == "alice" && record["states"] == json!([COMPLETED])
    });
    narrator.check("the operator can see who gave the agent which task, and what became of it", told);
    traces(narrator, scene)?;
    chain(narrator, &report, records.len());
    Ok(())
}

async fn read(store: &doorward_store::Store) -> anyhow::Result<(Vec<Value>, AuditReport)> {
    let stored = store.read_records(None, PAGE).await?;
    let records: Result<_, _> = stored.iter().map(|record| serde_json::from_str(&record.body)).collect();
    Ok((records?, verify_audit(store).await?))
}

/// The table: one line a record.
fn table(narrator: &mut Narrator<'_>, records: &[Value]) {
    let line = |cells: [&str; 7]| {
        let [time, caller, server, method, capability, decision, reason] = cells;
        format!(
            "{time:<12}  {caller:<6}  {server:<6}  {method:<METHOD$}  {capability:<17}  {decision:<8}  {reason}"
        )
    };
    narrator.show(&line(["time (UTC)", "caller", "at", "method", "capability", "decision", "reason"]));
    for record in records {
        let text = |key: &str| record[key].as_str().unwrap_or("-");
        let time = text("time").get(11..23).unwrap_or("-");
        // Where no message was read, the request line says what kind of request it was.
        let request = || format!("{} {}", text("http_method"), text("path"));
        let method = record["method"].as_str().map_or_else(request, str::to_owned);
        let method: String = method.chars().take(METHOD).collect();
        narrator.show(&line([
            time,
            text("subject"),
            record["server"].as_str().unwrap_or(text("agent")),
            &method,
            text("capability"),
            text("decision"),
            text("reason"),
        ]));
    }
}

/// Neither tokens, codes, passwords and cookies nor the upstream's key are kept anywhere as they are.
fn traces(narrator: &mut Narrator<'_>, scene: &Scene) -> anyhow::Result<()> {
    let files = scene.files()?;
    let kept = |text: &str| files.iter().any(|file| contains(file, text.as_bytes()));
    // Without its signature a JWT is worth nothing, so the signature is what must not be there. Other secrets have no
    // dot, but for the link, whose secret is what follows `token=`.
    let ends = scene.secrets.iter().filter_map(|secret| secret.rsplit(['.', '=']).next());
    let secrets: BTreeSet<&str> = ends.filter(|end| !end.is_empty()).chain([scene.key.as_str()]).collect();
    // What the records do hold shows that these are the files to look at.
    let clean = kept(HIDDEN) && !secrets.iter().any(|secret| kept(secret));
    narrator.check(
        &format!(
            "of {} tokens, codes, passwords, cookies and keys, none is anywhere in the files on disk",
            secrets.len()
        ),
        clean,
    );
    Ok(())
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn chain(narrator: &mut Narrator<'_>, report: &AuditReport, records: usize) {
    narrator.show(&format!(
        "{} records in {} chain, {} broken, {} gaps",
        report.records,
        report.chains,
        report.broken.len(),
        report.gaps.len()
    ));
    let whole = records > 0 && report.holds() && report.gaps.is_empty() && report.open.is_empty();
    narrator.check_eq(
        "the hash chain holds over all of them, from the start of the run to its end",
        &(whole, report.chains, report.records),
        &(true, 1, records as u64),
    );
}
