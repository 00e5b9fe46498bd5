use super::*;

/// Pairs as `key=value key=value`.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.into(), value.into())).collect()
}

fn parse(text: &str) -> Settings {
    let (settings, unknown) = Settings::parse(&pairs(text)).unwrap();
    assert_eq!(unknown, [""; 0], "{text}");
    settings
}

#[test]
fn what_is_stated_is_read() {
    let check = |text, expected| assert_eq!(parse(text), expected, "{text}");
    let default = Settings::default;
    check("", default());
    check("default-max-batch-size=16", Settings { rows_max_default: 16, ..default() });
    check("default-max-batch-size=0", Settings { rows_max_default: 0, ..default() });
    check("enable-global-threadpool=1", default());
    check("enable-global-threadpool=0", Settings { has_global_pool: false, ..default() });
    check("intra_op_thread_count=3", Settings { intra_op_threads: 3, ..default() });
    check("inter_op_thread_count=3", Settings { inter_op_threads: 3, ..default() });
    let provider_library = Some("/a/libprovider.so".into());
    check(
        "execution-provider-library=/a/libprovider.so",
        Settings { provider_library, ..default() },
    );
}

#[test]
fn everything_that_is_wrong_is_told() {
    let text = "default-max-batch-size=-1 enable-global-threadpool=on intra_op_thread_count=x";
    let expected = "\
--backend-config onnxruntime, 'default-max-batch-size' must be a whole number from 0 to 1048576, \
not \"-1\"
--backend-config onnxruntime, 'enable-global-threadpool' must be 0 or 1, not \"on\"
--backend-config onnxruntime, 'intra_op_thread_count' must be a whole number from 0 to 1024, \
not \"x\"";
    assert_eq!(Settings::parse(&pairs(text)).unwrap_err().to_string(), expected);
    let (_, unknown) = Settings::parse(&pairs("intra-op-thread-count=1 x=2")).unwrap();
    assert_eq!(unknown, ["intra-op-thread-count", "x"]);
}

#[test]
fn threads() {
    let cores = available_parallelism().unwrap().get();
    let check = |settings: &str, model: &str, expected: Option<(usize, usize)>| {
        let model = Parameters::parse(&pairs(model)).unwrap();
        let pool = parse(settings).own_pool(&model);
        let threads = pool.map(|pool| (pool.intra_op_threads, pool.inter_op_threads));
        assert_eq!(threads, expected, "{settings}; {model:?}");
    };
    check("", "", None);
    check("intra_op_thread_count=7 inter_op_thread_count=7", "", None);
    check("", "intra_op_thread_count=3", Some((3, cores)));
    check("intra_op_thread_count=7", "intra_op_thread_count=3", Some((3, cores)));
    // Only where operators run side by side does their number matter.
    check("", "inter_op_thread_count=5", None);
    check("", "execution_mode=1", Some((cores, cores)));
    check("", "execution_mode=1 inter_op_thread_count=5", Some((cores, 5)));
    check("inter_op_thread_count=7", "execution_mode=1", None);
    check("inter_op_thread_count=7", "execution_mode=1 inter_op_thread_count=5", Some((cores, 5)));
    check("enable-global-threadpool=0", "", Some((cores, cores)));
    check("enable-global-threadpool=0 intra_op_thread_count=7", "", Some((7, cores)));

    let global = |settings: &str| {
        let pool = parse(settings).global_pool();
        (pool.intra_op_threads, pool.inter_op_threads)
    };
    assert_eq!(global(""), (cores, 1));
    assert_eq!(global("intra_op_thread_count=7 inter_op_thread_count=5"), (7, 5));
}
