//! Whether options reach ONNX Runtime, by what it does with them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::fixture::{FLOAT, Folder, Onnx, engine};
use crate::parameters::Parameters;

fn options(parameters: &[(&str, &str)]) -> SessionOptions {
    let parameters = parameters.iter().map(|(key, value)| ((*key).into(), (*value).into()));
    SessionOptions {
        pool: None,
        parameters: Parameters::parse(&parameters.collect::<BTreeMap<_, _>>()).unwrap(),
        graph_level: GraphLevel::All,
        op_libraries: Vec::new(),
    }
}

/// A model with a node that can be left out.
fn model(folder: &Folder) -> std::path::PathBuf {
    let model = Onnx::new().input("x", FLOAT, &[-1]).node("Identity", &["x"], "i");
    let model = model.node("Neg", &["i"], "y").output("y", FLOAT, &[-1]);
    folder.write("model.onnx", &model.encode())
}

#[test]
fn the_graph_is_rewritten_as_far_as_it_may() {
    let folder = Folder::new("levels");
    let model = model(&folder);
    let check = |graph_level, expected: bool| {
        let written = folder.path().join("written.onnx");
        let options = SessionOptions { graph_level, ..options(&[]) };
        let builder = builder(engine().environment().unwrap(), &options).unwrap();
        builder.with_optimized_model_path(&written).unwrap().commit_from_file(&model).unwrap();
        let written = std::fs::read(written).unwrap();
        let has_node = written.windows(8).any(|part| part == b"Identity");
        assert_eq!(has_node, expected, "{graph_level:?}");
    };
    check(GraphLevel::Disabled, true);
    check(GraphLevel::Basic, false);
    check(GraphLevel::Extended, false);
    check(GraphLevel::All, false);
}

#[test]
fn operators_run_side_by_side_on_threads_of_their_own() {
    let folder = Folder::new("parallel");
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let mut options = options(&[("execution_mode", "1")]);
    options.pool = Some(Pool { intra_op_threads: 1, inter_op_threads: 65 });
    let before = threads();
    let mut session = builder(engine().environment().unwrap(), &options).unwrap();
    let _session = session.commit_from_file(model(&folder)).unwrap();
    // Other tests start and end threads too, but never as many.
    assert!(threads() >= before + 40, "{before} before, {} now", threads());
}

/// Compiles a library whose entry point leaves a mark.
fn compile(folder: &Folder, entry: &str) -> std::path::PathBuf {
    let mark = folder.path().join("mark");
    let source = format!(
        "#include <stdio.h>\n\
         void *{entry}(void *options, const void *api) {{\n\
         fclose(fopen({mark:?}, \"w\")); return 0; }}\n"
    );
    let source = folder.write("operators.c", source.as_bytes());
    let library = folder.path().join(format!("{entry}.so"));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(command.status().unwrap().success());
    library
}

#[test]
fn libraries_of_operators_are_registered() {
    let folder = Folder::new("operators");
    let open = |library: &Path| {
        let options = SessionOptions { op_libraries: vec![library.to_owned()], ..options(&[]) };
        let built = builder(engine().environment().unwrap(), &options);
        built.map(drop).map_err(|error| error.to_string())
    };
    open(&compile(&folder, "RegisterCustomOps")).unwrap();
    assert!(folder.path().join("mark").exists());

    let check = |library: &Path, expected: &str| {
        let error = open(library).unwrap_err();
        let start = format!("{} is no library of custom operators that fits: ", library.display());
        assert!(error.starts_with(&start), "{error}");
        assert!(error.contains(expected), "{error}");
    };
    check(&compile(&folder, "SomethingElse"), "RegisterCustomOps");
    check(&folder.write("text.so", b"no library"), "file too short");
    check(&folder.path().join("missing.so"), "No such file");
}
