//! Makes the table of the web console's files, as `npm run build` left them in `web/dist`, for the
//! binary to carry. Without them the table is empty, and the binary says how to build them.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

fn main() {
    #[expect(clippy::disallowed_methods, reason = "this is how cargo says where to write")]
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist");
    // The folder is always there: a file in it is committed.
    println!("cargo::rerun-if-changed=web/dist");
    let mut files = Vec::new();
    if dist.join("index.html").exists() {
        collect(&dist, &mut files);
    }
    files.sort();
    let table = files.iter().fold(String::new(), |mut table, file| {
        let path = file.strip_prefix(&dist).expect("it lies below").to_str().expect("a plain name").replace('\\', "/");
        let bytes = fs::read(file).expect("a file of the console");
        let mut hash = DefaultHasher::new();
        bytes.hash(&mut hash);
        let include = |ending: &str| format!("include_bytes!({:?})", format!("{}{ending}", file.display()));
        let (plain, brotli, gzip) = (include(""), include(".br"), include(".gz"));
        let tag = hash.finish();
        let _ = writeln!(
            table,
            "Asset {{ path: {path:?}, tag: \"\\\"{tag:016x}\\\"\", plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
        );
        table
    });
    fs::write(out.join("assets.rs"), format!("[{table}]")).expect("the table is written");
}

/// Every file but the compressed copies.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the console") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if !path.extension().is_some_and(|ending| ending == "br" || ending == "gz" || ending == "map")
            && path.file_name().is_none_or(|name| name != ".gitignore")
        {
            files.push(path);
        }
    }
}
