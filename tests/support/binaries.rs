//! The real binaries, built with the same profile and features as the tests.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The built binary of that name.
///
/// # Panics
/// When the workspace does not build.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| build(&[]));
    let file = folder.join(name);
    assert!(file.exists(), "{} is not there", file.display());
    file
}

/// `nuncio` as it is built with the feature `cloud`.
///
/// # Panics
/// When it does not build.
pub fn cloud_binary() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build_and_keep = || {
        let folder = build(&["--features", "nuncio/cloud"]);
        let kept = folder.join("nuncio-cloud");
        std::fs::copy(folder.join("nuncio"), &kept).expect("the build folder can be written");
        // The others are run as a plain build makes them.
        build(&[]);
        kept
    };
    BUILT.get_or_init(build_and_keep).clone()
}

/// Builds the whole workspace's binaries at once: one by one, each would have features of its own and
/// everything would be built again.
fn build(features: &[&str]) -> PathBuf {
    // Concurrent builds would overwrite each other's binaries.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--quiet", "--offline"])
        .args(features)
        .current_dir(&root)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the binaries do not build");
    // target/debug/deps/this-test → target/debug
    let test = std::env::current_exe().expect("the test knows its own file");
    test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").to_owned()
}
