use super::*;

#[test]
fn a_header_length_is_read_as_triton_reads_it() {
    let check = |text: &str, expected: Result<usize, &str>| {
        let header = (HEADER_LENGTH, text.parse().unwrap());
        let headers = HeaderMap::from_iter([header]);
        let length = header_length(&headers, 338).map_err(|error| error.to_string());
        assert_eq!(length, expected.map(Some).map_err(str::to_owned), "{text}");
    };
    check("12", Ok(12));
    check("x", Ok(0));
    check("-1", Err("inference header size should be in range (0, 338), got: -1"));
    assert_eq!(header_length(&HeaderMap::new(), 0).unwrap(), None);
}

#[test]
fn only_json_outputs_take_time() {
    let tensor = |size: usize| Tensor::from_values(vec![size], vec![0_u8; size]).unwrap();
    let outputs = vec![("a".into(), tensor(1)), ("b".into(), tensor(20))];
    let check = |form: OutputForm, expected| assert_eq!(form.json_bytes(&outputs), expected);
    check(OutputForm::All(true), 0);
    check(OutputForm::All(false), 21);
    let output = |name: &str, is_binary| NamedOutput {
        name: name.into(),
        is_binary,
        classes: None,
        place: None,
    };
    check(OutputForm::Named(vec![output("b", false), output("a", true)]), 20);
    // The first mention counts.
    check(OutputForm::Named(vec![output("b", true), output("a", false), output("a", true)]), 1);
}
