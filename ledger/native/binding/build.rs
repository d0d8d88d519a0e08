//! Stamps the extension with the hash of its sources, so that a test can tell a stale one.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the binding stands in the workspace");
    let mut files = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    for member in ["core", "binding"] {
        files.push(root.join(member).join("Cargo.toml"));
        collect(&root.join(member).join("src"), &mut files);
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        println!("cargo:rerun-if-changed={}", file.display());
        digest.update(fs::read(&file).expect("the source can be read"));
        digest.update([0]);
    }
    let hash = digest.finalize().iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    });
    println!("cargo:rustc-env=FENGTU_SOURCES={hash}");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
