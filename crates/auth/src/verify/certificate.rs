//! Whom a client certificate names.
//!
//! That it is good, and whose it is, TLS has verified before: here it is only read. The name is that of the workload
//! where there is one (SPIFFE: the one URI), else the first DNS name, else the common name. A certificate that leaves
//! open which name is meant names nobody.

use doorward_model::Timestamp;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

#[cfg(test)]
mod tests;

/// Whom a certificate names, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateName {
    /// A URI, a DNS name, or a common name, which never looks like a URI.
    pub name: String,
    /// The end of its validity.
    pub expires: Timestamp,
}

/// The longest name, in bytes: that of a subject.
const LONGEST: usize = 255;

/// Whom a verified certificate names; `der` is the certificate itself.
pub fn certificate_name(der: &[u8]) -> Option<CertificateName> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let expires = Timestamp::from_secs(certificate.validity().not_after.timestamp());
    Some(CertificateName { name: name(&certificate)?, expires })
}

fn name(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = alternative_names(certificate)?;
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.next()) {
        (Some(uri), None) => return good(uri).then(|| uri.to_owned()),
        // A workload has one identity (X509-SVID, section 2).
        (Some(_), Some(_)) => return None,
        (None, _) => {}
    }
    let dns = names.iter().find_map(|name| match name {
        GeneralName::DNSName(dns) => Some(*dns),
        _ => None,
    });
    match dns {
        Some(dns) => (good(dns) && !dns.contains(['*', ':', '/'])).then(|| dns.to_ascii_lowercase()),
        None => common_name(certificate),
    }
}

/// The subject's alternative names. Absent when they cannot be read, or come twice.
fn alternative_names<'c>(certificate: &'c X509Certificate<'_>) -> Option<&'c [GeneralName<'c>]> {
    let extension = certificate.subject_alternative_name().ok()?;
    Some(extension.map_or(&[], |extension| &extension.value.general_names))
}

/// The one common name, unless it could pass for a URI.
fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let mut names = certificate.subject().iter_common_name();
    let (Some(name), None) = (names.next(), names.next()) else { return None };
    let name = name.as_str().ok()?;
    (good(name) && !name.contains([':', '/'])).then(|| name.to_owned())
}

/// Printable ASCII without white space: what logs, records and the configuration show is what it is.
fn good(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_graphic())
}
