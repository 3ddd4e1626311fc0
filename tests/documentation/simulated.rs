//! The tables of cost and scale follow from the recording, the processor times and the template: they are simulated.

use support::simulation::{Model, cost_table, idle_table, scale_table};

use crate::generated::compare;

const PAGE: &str = "infra/deploy/README.md";

#[test]
fn the_table_of_scale_is_simulated() {
    compare(PAGE, "scale", &scale_table(&Model::stored()));
}

#[test]
fn the_tables_of_cost_follow_from_the_recording() {
    compare(PAGE, "cost", &cost_table(&Model::stored()));
    compare(PAGE, "idle", &idle_table(&Model::stored()));
}
