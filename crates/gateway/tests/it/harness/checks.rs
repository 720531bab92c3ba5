//! What holds at the end of every test.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use doorward_store::verify_audit;
use serde_json::Value;

use super::Gateway;

pub(super) async fn all(gateway: &Gateway) {
    let records = gateway.records_now().await;
    every_request_has_one_record(gateway, &records);
    every_record_is_whole(&records);
    the_chain_holds(gateway, records.len()).await;
    nothing_secret_is_anywhere(gateway, &records);
}

fn every_request_has_one_record(gateway: &Gateway, records: &[Value]) {
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for sent in &gateway.log().sent {
        *balance.entry(sent.clone()).or_default() += 1;
    }
    for record in records {
        let line = format!("{} {}", text(record, "http_method"), text(record, "path"));
        *balance.entry(line).or_default() -= 1;
    }
    balance.retain(|_, difference| *difference != 0);
    assert!(balance.is_empty(), "requests without (or, below zero, with more than) one record: {balance:?}");
}

fn every_record_is_whole(records: &[Value]) {
    for record in records {
        let aborted = record["aborted"] == Value::Bool(true);
        assert!(aborted || record["status"] != 0, "a complete answer has a status: {record}");
        assert!(aborted || record["reason"] != "unfinished", "{record}");
        let (decision, reason) = (text(record, "decision"), text(record, "reason"));
        assert!(decision != "refused" || reason != "ok", "a refusal has a reason: {record}");
        assert!(reason != "internal", "an internal error: {record}");
        assert_eq!(text(record, "request_id").len(), 32, "{record}");
        assert_eq!(text(record, "trace_id").len(), 32, "{record}");
    }
    let mut ids: Vec<_> = records.iter().map(|record| text(record, "request_id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), records.len(), "request ids are unique");
}

async fn the_chain_holds(gateway: &Gateway, records: usize) {
    let report = verify_audit(&gateway.store).await.unwrap();
    assert!(report.holds(), "{report:?}");
    let gapless = report.gaps.is_empty() || gateway.log().shared;
    assert!(gapless && report.open.is_empty(), "{report:?}");
    assert_eq!(report.records, records as u64, "{report:?}");
}

fn nothing_secret_is_anywhere(gateway: &Gateway, records: &[Value]) {
    let log = gateway.log();
    let mut places = vec![("an answer".to_owned(), lossy(&log.heard))];
    places.extend(records.iter().map(|record| ("a record".to_owned(), record.to_string())));
    for entry in fs::read_dir(gateway.place.directory()).unwrap() {
        let path = entry.unwrap().path();
        // The database, its log, and whatever else a gateway may write; the master key is in a directory.
        if path.is_file() {
            places.push((path.display().to_string(), lossy(&fs::read(&path).unwrap())));
        }
    }
    let secrets: BTreeSet<_> = log.secrets.iter().collect();
    for secret in secrets {
        let handed_out = log.handed_out.iter().filter(|known| *known == secret).count();
        for (place, content) in &places {
            let expected = if place == "an answer" { handed_out } else { 0 };
            let found = content.matches(secret.as_str()).count();
            assert_eq!(found, expected, "the secret {secret:?} is in {place}");
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text<'v>(record: &'v Value, name: &str) -> &'v str {
    record[name].as_str().unwrap_or_default()
}
