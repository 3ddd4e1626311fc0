//! The Markdown files of the repository: their prose, their blocks of code and their anchors.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no documentation of this repository.
const SKIPPED: [&str; 4] = ["target", "node_modules", "nuncio-data", "dist"];

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// One Markdown file.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

impl Page {
    /// The page at a path below the repository's folder.
    pub fn read(name: &str) -> Self {
        Self::at(&root().join(name))
    }

    /// The page of this file.
    pub fn at(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path: path.to_owned(), text }
    }

    /// Every Markdown file, in order of its path.
    pub fn all() -> Vec<Self> {
        let mut paths = Vec::new();
        let mut folders = vec![root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = entry.file_name().unwrap().to_string_lossy().into_owned();
                if entry.is_dir() {
                    if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                        folders.push(entry);
                    }
                } else if entry.extension().is_some_and(|extension| extension == "md") {
                    paths.push(entry);
                }
            }
        }
        paths.sort();
        assert!(paths.len() > 15, "the walk itself works: {paths:?}");
        paths.iter().map(|path| Self::at(path)).collect()
    }

    /// Its path below the repository's folder.
    pub fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap_or(&self.path).display().to_string()
    }

    /// The folder that its links are relative to.
    pub fn folder(&self) -> PathBuf {
        self.path.parent().unwrap().to_owned()
    }

    /// The anchors of its headings, as GitHub forms them.
    pub fn anchors(&self) -> BTreeSet<String> {
        let text = outside_blocks(&self.text);
        let headings = text.lines().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// The contents of its blocks in a language such as `yaml`, in order. A block in a list loses the list's
    /// indentation.
    pub fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let fence = line.trim_start();
            if fence.strip_prefix("```") != Some(language) {
                continue;
            }
            let indent = line.len() - fence.len();
            let inside = lines.by_ref().take_while(|line| line.trim() != "```");
            blocks.push(inside.flat_map(|line| [line.get(indent..).unwrap_or_default(), "\n"]).collect());
        }
        blocks
    }

    /// The commands of its blocks of shell, each on one line.
    pub fn shell(&self) -> Vec<String> {
        let text = self.blocks("sh").concat().replace("\\\n", " ");
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    }
}

/// `What's new: TLS` is `whats-new-tls`.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|one| one.is_alphanumeric() || matches!(one, ' ' | '-' | '_'));
    kept.map(|one| if one == ' ' { '-' } else { one }).collect()
}

/// A page without its fenced blocks, which may be indented.
pub fn outside_blocks(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    assert!(!inside, "a block has no end");
    kept
}

/// A page without its blocks and code spans.
pub fn prose(text: &str) -> String {
    outside_blocks(text).split('`').step_by(2).collect()
}

/// The nearest start of a character at or before a byte.
pub fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
