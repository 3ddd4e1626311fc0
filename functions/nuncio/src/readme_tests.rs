//! The README's table of settings is what the command line defines.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use crate::cli::Cli;

const README: &str = include_str!("../README.md");
const START: &str = "<!-- generated: settings -->\n";

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks a test to rewrite a page by a variable")]
fn the_readme_has_the_settings_of_serve() {
    let table = table();
    let (before, rest) = README.split_once(START).unwrap();
    let (current, after) = rest.split_once("<!-- end -->").unwrap();
    if current == table {
        return;
    }
    assert!(
        std::env::var_os("NUNCIO_UPDATE_DOCS").is_some(),
        "the table of settings in functions/nuncio/README.md is not current; rewrite it: \
         NUNCIO_UPDATE_DOCS=1 cargo test -p nuncio readme\n{table}"
    );
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    std::fs::write(page, format!("{before}{START}{table}<!-- end -->{after}")).unwrap();
}

fn table() -> String {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let mut table = String::from("| flag of `nuncio serve` | environment | default | means |\n|---|---|---|---|\n");
    for option in serve.get_arguments().filter(|option| option.get_long().is_some_and(|name| name != "help")) {
        let value = option.get_value_names().filter(|_| option.get_action().takes_values());
        let value = value.and_then(|names| names.first()).map(|name| format!(" {name}")).unwrap_or_default();
        let flag = option.get_long().unwrap();
        let variable = option.get_env().map_or("–".to_owned(), |name| format!("`{}`", name.to_string_lossy()));
        let help = option.get_help().unwrap().to_string();
        // Where clap knows no default, the help says what applies.
        let (means, said) = help.split_once(" [default: ").unwrap_or((&help, ""));
        let default = match option.get_default_values().first().filter(|_| option.get_action().takes_values()) {
            Some(default) => format!("`{}`", default.to_string_lossy()),
            None if said.is_empty() => "–".to_owned(),
            None => said.trim_end_matches(']').to_owned(),
        };
        let _ = writeln!(table, "| `--{flag}{value}` | {variable} | {default} | {means} |");
    }
    let _ = writeln!(
        table,
        "| – | `NUNCIO_TOKEN` | a token that the first start creates and prints | An admin token to install at start. \
         When it changes, the earlier one is revoked |"
    );
    table
}
