use std::fs;

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// A certificate for itself, as PEM, and its key.
fn pair() -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

fn files(directory: &TempDir, certificate: &str, key: &str, client_ca: Option<&str>) -> doorward_config::Tls {
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("written");
        path
    };
    doorward_config::Tls {
        certificate: write("cert.pem", certificate),
        key: write("key.pem", key),
        client_ca: client_ca.map(|text| write("ca.pem", text)),
    }
}

fn complaint(certificate: &str, key: &str, client_ca: Option<&str>) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    match Tls::load(&files(&directory, certificate, key, client_ca)) {
        Ok(_) => String::new(),
        Err(error) => error.to_string().replace(&directory.path().display().to_string(), ""),
    }
}

#[test]
fn complaints_name_the_file() {
    let (certificate, key) = pair();
    let (_, other_key) = pair();
    assert_eq!(complaint(&certificate, &key, Some(&certificate)), "");
    assert_eq!(complaint("", &key, None), "/cert.pem: holds nothing of the kind that is expected");
    assert_eq!(complaint(&key, &key, None), "/cert.pem: holds nothing of the kind that is expected");
    assert_eq!(
        complaint(&certificate, &certificate, None),
        "/key.pem: holds nothing of the kind that is expected"
    );
    assert_eq!(complaint(&certificate[..80], &key, None), "/cert.pem: is not PEM");
    assert!(
        complaint(&certificate, &other_key, None).starts_with("the certificate and its key cannot be used")
    );
    assert!(complaint(&certificate, &key, Some("")).starts_with("/ca.pem: "));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(complaint(&certificate, &key, Some(broken)).starts_with("/ca.pem: "));
    assert!(complaint(broken, &key, None).starts_with("the certificate and its key cannot be used"));
    let nowhere = Path::new("/nowhere").to_owned();
    let files = doorward_config::Tls { certificate: nowhere.clone(), key: nowhere, client_ca: None };
    let error = Tls::load(&files).err().expect("no file").to_string();
    assert!(error.starts_with("/nowhere: "), "{error}");
}

#[test]
fn a_broken_pair_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let (certificate, key) = pair();
    let tls = Tls::load(&files(&directory, &certificate, &key, None)).expect("a good pair");
    let first = tls.config.load_full();
    let (renewed, renewed_key) = pair();
    files(&directory, &renewed, &key, None);
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&first, &tls.config.load_full()));
    files(&directory, &renewed, &renewed_key, None);
    tls.reload().expect("a good pair");
    assert!(!Arc::ptr_eq(&first, &tls.config.load_full()));
}
