//! The jobs that operators asked for, and their progress: one partition, as there are few.

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::retention::job::Job;

use crate::table::Table;
use crate::table::item::{content, readable_contents, record};
use crate::table::keys::JOBS;

/// The jobs in the table.
#[derive(Clone, Debug)]
pub struct DynamoJobs {
    table: Table,
}

impl DynamoJobs {
    /// Reads and writes the items of this table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Jobs for DynamoJobs {
    async fn all(&self) -> Result<Vec<Job>, StoreError> {
        Ok(readable_contents(&self.table.all(JOBS, "").await?))
    }

    async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let item = self.table.get((JOBS.to_owned(), id.to_owned())).await?;
        item.map(|item| content(&item)).transpose()
    }

    async fn replace(&self, job: &Job) -> Result<bool, StoreError> {
        let item = record((JOBS.to_owned(), job.id.clone()), job, job.expires())?;
        self.table.compare_and_swap(item, job.revision).await
    }
}
