//! Sales files that are left in the place of the configuration.

use domain::job::{Outcome, TakeSalesFiles};
use ingest::sales_csv::Destination;
use ingest::sales_files::take_sales_files;
use platform::objects::Place;
use platform::queue::{JobContext, Worker};

use crate::nightly::Nightly;

/// The worker of [`TakeSalesFiles`].
pub fn worker(nightly: Nightly) -> impl Worker<TakeSalesFiles> {
    FilesWorker(nightly)
}

struct FilesWorker(Nightly);

impl Worker<TakeSalesFiles> for FilesWorker {
    async fn work(&self, _: TakeSalesFiles, _: JobContext) -> Outcome {
        match self.look().await {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl FilesWorker {
    async fn look(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let outside = &self.0.outside;
        let Some(address) = &outside.sources.sales_files else { return Ok(()) };
        let place = Place::open(address, &outside.s3)?;
        let to = Destination { pool: &self.0.work, objects: self.0.objects.as_ref(), clock: self.0.clock.as_ref() };
        let look = take_sales_files(to, &place, false).await?;
        look.news.iter().for_each(crate::events::sales_file);
        look.failed.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
    }
}
