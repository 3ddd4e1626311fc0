//! The real binaries, built with the same profile and features as the tests.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The built binary of that name.
///
/// # Panics
/// When the workspace does not build.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(build);
    let file = folder.join(name);
    assert!(file.exists(), "{} is not there", file.display());
    file
}

/// Builds the whole workspace's binaries at once: one by one, each would have features of its own and
/// everything would be built again.
fn build() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--quiet", "--offline"])
        .current_dir(&root)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the binaries do not build");
    // target/debug/deps/this-test → target/debug
    let test = std::env::current_exe().expect("the test knows its own file");
    test.ancestors().nth(2).expect("a test lies in target/<profile>/deps").to_owned()
}
