//! Every file of the services folder is registered.

use standin::services;

#[test]
fn every_service_file_is_registered() {
    let folder = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("src/services");
    let files = std::fs::read_dir(folder).expect("services folder").map(|entry| entry.expect("entry").path());
    let mut files: Vec<String> =
        files.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).filter(|name| name != "mod").collect();
    files.sort();
    let services = services::all();
    let mut registered: Vec<&str> = services.iter().map(|service| service.name).collect();
    registered.sort_unstable();
    assert_eq!(files, registered);
}
