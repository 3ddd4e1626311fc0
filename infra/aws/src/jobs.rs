//! What operators asked for, and how far it has come: one partition, as there are few.

use async_trait::async_trait;
use domain::ports::{self, StoreError};
use domain::retention::job::Job;

use crate::table::item::{content, number, record};
use crate::table::keys::{JOBS, REVISION};
use crate::table::{Put, Table, put};

/// The jobs in the table.
#[derive(Clone, Debug)]
pub struct Jobs {
    table: Table,
}

impl Jobs {
    /// Over the table.
    pub fn new(table: Table) -> Self {
        Self { table }
    }
}

#[async_trait]
impl ports::Jobs for Jobs {
    async fn all(&self) -> Result<Vec<Job>, StoreError> {
        self.table.all(JOBS, "").await?.iter().map(content).collect()
    }

    async fn get(&self, id: &str) -> Result<Option<Job>, StoreError> {
        let item = self.table.get((JOBS.to_owned(), id.to_owned())).await?;
        item.map(|item| content(&item)).transpose()
    }

    async fn replace(&self, job: &Job) -> Result<bool, StoreError> {
        let mut item = record((JOBS.to_owned(), job.id.clone()), job, job.expires())?;
        item.insert(REVISION.to_owned(), number(job.revision));
        let request = self.table.put_new(item);
        let request = match job.revision.checked_sub(1) {
            None => request,
            Some(before) => {
                request.condition_expression("rev = :before").expression_attribute_values(":before", number(before))
            }
        };
        Ok(matches!(put(request).await?, Put::Done))
    }
}
