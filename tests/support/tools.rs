//! Tools of other languages that tests run: installed under `target/tools` on first use, at the
//! versions that a file beside the tests pins.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's build folder.
pub fn target() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    // target/<profile>/deps/<test>
    test.ancestors().nth(3).expect("a test lies in the build folder").to_owned()
}

/// The Python of the virtual environment of that name, which has what `requirements` pins.
///
/// # Panics
/// When Python is missing or the packages cannot be had.
pub fn python(name: &str, requirements: &Path) -> PathBuf {
    let folder = target().join("tools").join(name);
    let python = folder.join("venv/bin/python");
    installed(&folder, requirements, || {
        let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")).status();
        let venv = venv.unwrap_or_else(|error| panic!("the tests need python3 (3.11 or newer) on the PATH: {error}"));
        assert!(venv.success(), "python3 -m venv failed; on Debian, install python3-venv");
        let pip = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements)
            .status();
        assert!(pip.is_ok_and(|pip| pip.success()), "pip could not install {}", requirements.display());
    });
    python
}

/// A folder that has, under `node_modules`, what `package.json` and its lock file pin.
///
/// # Panics
/// When npm is missing or the packages cannot be had.
pub fn node_modules(name: &str, package: &Path) -> PathBuf {
    let folder = target().join("tools").join(name);
    let lock = package.with_file_name("package-lock.json");
    installed(&folder, &lock, || {
        for file in [package, &lock] {
            fs::copy(file, folder.join(file.file_name().expect("a file"))).expect("the build folder can be written");
        }
        let npm = Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder).status();
        let npm = npm.unwrap_or_else(|error| panic!("the tests need node and npm (20 or newer) on the PATH: {error}"));
        assert!(npm.success(), "npm could not install {}", lock.display());
    });
    folder
}

/// Installs, unless the wanted versions are installed already.
#[expect(clippy::print_stderr, reason = "a minute's silence would look like a hang")]
fn installed(folder: &Path, wanted: &Path, install: impl FnOnce()) {
    fs::create_dir_all(folder).expect("the build folder can be written");
    // Test binaries may run side by side; the lock goes with the file.
    let lock = File::create(folder.join("lock")).expect("the build folder can be written");
    lock.lock().expect("the tool's folder can be locked");
    let wanted = fs::read_to_string(wanted).unwrap_or_else(|error| panic!("{}: {error}", wanted.display()));
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return;
    }
    eprintln!("installing into {} (once, about a minute)", folder.display());
    install();
    fs::write(installed, wanted).expect("the build folder can be written");
}
