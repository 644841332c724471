//! Stops the PostgreSQL cluster that tests share, if no test is using it. Exit code 1 when it is in use.

use std::process::ExitCode;

use platform::embedded::Departure;

#[tokio::main]
async fn main() -> ExitCode {
    match platform::testing::stop_shared_cluster().await {
        Ok(Departure::StillUsed) => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            tracing_subscriber::fmt().with_writer(std::io::stderr).init();
            tracing::error!(%error, "cannot stop the test cluster");
            ExitCode::FAILURE
        }
    }
}
