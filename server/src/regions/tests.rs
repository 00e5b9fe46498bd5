//! Without a device there is no region; with one, `tests/python/test_cuda_shared_memory.py` has them.

use super::*;
use crate::fakes;

async fn registered(regions: &Regions, name: &str, handle: &[u8], size: u64) -> String {
    regions.register(name, handle, 0, size).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_cannot_be_registered_is_told() {
    let regions = fakes::regions();
    let none = registered(&regions, "r", &[0; 64], 4).await;
    let text =
        "failed to register CUDA shared memory region 'r': device cuda:0 is not there: no CUDA";
    assert!(none.starts_with(text), "{none}");
    let invalid = "failed to register shared memory region: invalid args";
    for handle in [&[0; 63][..], &[0; 65], &[]] {
        assert_eq!(registered(&regions, "r", handle, 4).await, invalid);
    }
    let size = registered(&regions, "r", &[0; 64], 0).await;
    assert!(size.ends_with("'r': it has no bytes, or too many"), "{size}");
    let nameless = registered(&regions, "", &[0; 64], 4).await;
    assert_eq!(nameless, "'region name' is necessary to register cuda shared memory region");
    let long = registered(&regions, &"r".repeat(NAME_BYTES_MAX + 1), &[0; 64], 4).await;
    assert_eq!(long, "the name of a region has at most 1024 bytes");
    assert_eq!(regions.usage(), (0, 0));
}

#[tokio::test]
async fn the_operator_may_forbid_it() {
    let regions = Regions::new(fakes::edge(), false);
    let error = regions.register("r", &[0; 64], 0, 4).await.unwrap_err();
    assert!(matches!(error, InferError::Unsupported(_)), "{error}");
}

#[test]
fn a_region_that_is_not_there_is_told() {
    let regions = fakes::regions();
    let part = RegionPart { region: "r".into(), offset: 0, size_bytes: 0 };
    let error = regions.find(&part).err().unwrap();
    assert_eq!(error.to_string(), "Unable to find shared memory region: 'r'");
    let error = regions.status("r").err().unwrap();
    assert_eq!(error.to_string(), "Unable to find cuda shared memory region: 'r'");
    assert!(matches!(error, InferError::UnknownRegion(_)));
    assert!(regions.status("").unwrap().is_empty());
    regions.unregister("r");
    regions.unregister("");
}
