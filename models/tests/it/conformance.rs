use models::forecasters;
use models::testing::conformance;

#[test]
fn every_registered_forecaster_conforms() {
    for forecaster in forecasters::all().iter() {
        conformance(forecaster);
    }
}
