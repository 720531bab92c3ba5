//! Configuration files: any text is read or complained about, and what was read can be written and read again.

use std::path::Path;

use doorward_config::{Environment, Loaded, Mistakes, Overrides, export, parse};

/// What every variable and every secret file says: 32 bytes in base64, so that it can be a master key too.
const SECRET: &str = "ZG9vcndhcmQtZnV6emluZy1zZWNyZXQtb2YtMzJieXQ=";

/// A text is a configuration or has mistakes; neither complaints nor the export tell a secret that the file refers to; the
/// export is read to the same snapshot.
///
/// # Panics
/// If that does not hold.
pub fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let tells = |said: &str| said.contains(SECRET) && !text.contains(SECRET);
    let loaded = match read(text) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            assert!(!mistakes.mistakes.is_empty(), "refused without a reason");
            assert!(!tells(&mistakes.to_string()), "a complaint tells a secret");
            return;
        }
    };
    assert!(!tells(&format!("{loaded:?}")), "the debug form tells a secret");
    let exported = export(&loaded);
    assert!(!tells(&exported), "the export tells a secret");
    match read(&exported) {
        Ok(again) => {
            assert_eq!(format!("{:?}", again.snapshot), format!("{:?}", loaded.snapshot));
            assert_eq!(export(&again), exported, "the export of the export differs");
        }
        Err(mistakes) => panic!("the export is refused:\n{mistakes}"),
    }
}

/// Reads a text in a world where every variable and file exists.
pub(super) fn read(text: &str) -> Result<Loaded, Mistakes> {
    let environment = Environment {
        base_dir: Path::new("/etc/doorward"),
        // The program's own variables are overrides, and not what is tested here.
        var: &|name| (!name.starts_with("DOORWARD_")).then(|| SECRET.to_owned()),
        names: &Vec::new,
        read: &|_| Ok(SECRET.to_owned()),
        stored: doorward_config::StoredSecrets::Unknown,
        real: &|path| Ok(path.to_owned()),
        overrides: Overrides::default(),
    };
    parse(text, "doorward.toml", &environment)
}
