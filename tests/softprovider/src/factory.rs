//! What ONNX Runtime asks of the library itself: the devices, and a provider for each session.

use std::ffi::{CStr, CString, c_char};
use std::ptr::{null, null_mut};

use ort::sys::{
    OrtAllocatorType, OrtDeviceMemoryType, OrtEpDevice, OrtHardwareDevice, OrtHardwareDeviceType,
    OrtKeyValuePairs, OrtLogger, OrtMemoryInfo, OrtMemoryInfoDeviceType, OrtSessionOptions,
    OrtStatusPtr,
};

use crate::abi::{
    NO_OPTION, OrtAllocator, OrtDataTransferImpl, OrtEp, OrtEpFactory, OrtMemoryDevice,
    OrtSyncStreamImpl, VERSION,
};
use crate::allocator::Allocator;
use crate::api::{Failure, call, ep, ort, status};
use crate::cuda::{self, Device};
use crate::provider::Provider;
use crate::stream::SessionStream;
use crate::transfer::Transfer;

pub(crate) const NAME: &CStr = c"SoftProvider";
/// NVIDIA's.
const VENDOR: u32 = 0x10de;
/// Says in the metadata which of the driver's devices one is.
const ORDINAL: &CStr = c"ordinal";
/// Shows that options come here: it may be 42 alone.
const ANSWER_OPTION: &CStr = c"ep.softprovider.answer";
const STREAM_OPTION: &CStr = c"ep.softprovider.user_compute_stream";

/// The library's one factory.
#[repr(C)]
pub(crate) struct Factory {
    table: OrtEpFactory,
    places: Vec<Place>,
}

/// A device, and ONNX Runtime's description of its memory.
struct Place {
    device: Device,
    memory: *mut OrtMemoryInfo,
    /// What ONNX Runtime takes for a GPU: it finds none by itself.
    hardware: *mut OrtHardwareDevice,
}

impl Factory {
    pub(crate) fn new() -> Result<Self, Failure> {
        let places = (0..cuda::device_count()?).map(|ordinal| Place::new(Device(ordinal)));
        Ok(Self {
            table: OrtEpFactory {
                ort_version_supported: VERSION,
                GetName: name,
                GetVendor: vendor,
                GetSupportedDevices: supported_devices,
                CreateEp: create_provider,
                ReleaseEp: release_provider,
                GetVendorId: vendor_id,
                GetVersion: version,
                ValidateCompiledModelCompatibilityInfo: None,
                CreateAllocator: create_allocator,
                ReleaseAllocator: release_allocator,
                CreateDataTransfer: create_transfer,
                IsStreamAware: is_stream_aware,
                CreateSyncStreamForDevice: create_stream,
            },
            places: places.collect::<Result<_, _>>()?,
        })
    }
}

impl Place {
    fn new(device: Device) -> Result<Self, Failure> {
        let mut memory = null_mut();
        call!(ort.CreateMemoryInfo_V2(
            NAME.as_ptr(),
            OrtMemoryInfoDeviceType::OrtMemoryInfoDeviceType_GPU,
            VENDOR,
            device.0,
            OrtDeviceMemoryType::OrtDeviceMemoryType_DEFAULT,
            0,
            OrtAllocatorType::OrtDeviceAllocator,
            &raw mut memory,
        ))?;
        let mut hardware = null_mut();
        call!(ep.CreateHardwareDevice(
            OrtHardwareDeviceType::OrtHardwareDeviceType_GPU,
            VENDOR,
            device.0.cast_unsigned(),
            c"tests".as_ptr(),
            null(),
            &raw mut hardware,
        ))?;
        Ok(Self { device, memory, hardware })
    }

    /// What a session can choose.
    fn offer(&self, factory: *mut OrtEpFactory) -> Result<*mut OrtEpDevice, Failure> {
        let (mut metadata, mut offered) = (null_mut(), null_mut());
        let ordinal = CString::new(self.device.0.to_string()).map_err(|error| error.to_string())?;
        unsafe {
            (ort().CreateKeyValuePairs)(&raw mut metadata);
            (ort().AddKeyValuePair)(metadata, ORDINAL.as_ptr(), ordinal.as_ptr());
        }
        let created =
            call!(ep.CreateEpDevice(factory, self.hardware, metadata, null(), &raw mut offered));
        unsafe { (ort().ReleaseKeyValuePairs)(metadata) };
        created?;
        call!(ep.EpDevice_AddAllocatorInfo(offered, self.memory))?;
        Ok(offered)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        unsafe {
            (ort().ReleaseMemoryInfo)(self.memory);
            (ep().ReleaseHardwareDevice)(self.hardware);
        }
    }
}

unsafe extern "C" fn name(_: *const OrtEpFactory) -> *const c_char {
    NAME.as_ptr()
}

unsafe extern "C" fn vendor(_: *const OrtEpFactory) -> *const c_char {
    c"tests".as_ptr()
}

unsafe extern "C" fn vendor_id(_: *const OrtEpFactory) -> u32 {
    VENDOR
}

unsafe extern "C" fn version(_: *const OrtEpFactory) -> *const c_char {
    c"0.1.0".as_ptr()
}

unsafe extern "C" fn is_stream_aware(_: *const OrtEpFactory) -> bool {
    true
}

unsafe extern "C" fn supported_devices(
    this: *mut OrtEpFactory,
    _hardware: *const *const OrtHardwareDevice,
    _hardware_count: usize,
    offered: *mut *mut OrtEpDevice,
    most: usize,
    count: *mut usize,
) -> OrtStatusPtr {
    status("GetSupportedDevices", || {
        let factory = unsafe { &*this.cast::<Factory>() };
        for (index, place) in factory.places.iter().take(most).enumerate() {
            let device = place.offer(this)?;
            unsafe {
                *offered.add(index) = device;
                *count = index + 1;
            }
        }
        Ok(())
    })
}

unsafe extern "C" fn create_provider(
    this: *mut OrtEpFactory,
    _hardware: *const *const OrtHardwareDevice,
    metadata: *const *const OrtKeyValuePairs,
    count: usize,
    options: *const OrtSessionOptions,
    _logger: *const OrtLogger,
    created: *mut *mut OrtEp,
) -> OrtStatusPtr {
    status("CreateEp", || {
        if count != 1 {
            return Err(format!("a session takes one device, not {count}"));
        }
        let ordinal = unsafe { (ort().GetKeyValue)(*metadata, ORDINAL.as_ptr()) };
        let ordinal = unsafe { CStr::from_ptr(ordinal) }.to_string_lossy();
        let ordinal = ordinal.parse().map_err(|_| "no ordinal".to_owned())?;
        if option(options, ANSWER_OPTION)?.is_some_and(|answer| answer != "42") {
            return Err("the option 'answer' is not 42".into());
        }
        let stream = option(options, STREAM_OPTION)?.and_then(|text| text.parse().ok());
        let stream = stream.ok_or("user_compute_stream is missing, or no address")?;
        let factory = unsafe { &*this.cast::<Factory>() };
        let place = factory.places.iter().find(|place| place.device == Device(ordinal));
        let place = place.ok_or("no such device")?;
        let provider = Provider::new(place.device, stream)?;
        unsafe { *created = Box::into_raw(Box::new(provider)).cast() };
        Ok(())
    })
}

/// What a session's options say.
fn option(options: *const OrtSessionOptions, key: &CStr) -> Result<Option<String>, Failure> {
    let (mut is_there, mut size) = (NO_OPTION, 0);
    call!(ort.HasSessionConfigEntry(options, key.as_ptr(), &raw mut is_there))?;
    if is_there == NO_OPTION {
        return Ok(None);
    }
    call!(ort.GetSessionConfigEntry(options, key.as_ptr(), null_mut(), &raw mut size))?;
    let mut text = vec![0_u8; size];
    let to = text.as_mut_ptr().cast();
    call!(ort.GetSessionConfigEntry(options, key.as_ptr(), to, &raw mut size))?;
    text.retain(|byte| *byte != 0);
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

unsafe extern "C" fn release_provider(_: *mut OrtEpFactory, provider: *mut OrtEp) {
    drop(unsafe { Box::from_raw(provider.cast::<Provider>()) });
}

/// For no session: what ONNX Runtime shares between them.
unsafe extern "C" fn create_allocator(
    _: *mut OrtEpFactory,
    memory: *const OrtMemoryInfo,
    _options: *const OrtKeyValuePairs,
    created: *mut *mut OrtAllocator,
) -> OrtStatusPtr {
    status("CreateAllocator of the library", || {
        let mut ordinal = 0;
        call!(ort.MemoryInfoGetId(memory, &raw mut ordinal))?;
        unsafe { *created = Allocator::create(Device(ordinal), 0, memory) };
        Ok(())
    })
}

unsafe extern "C" fn release_allocator(_: *mut OrtEpFactory, allocator: *mut OrtAllocator) {
    unsafe { Allocator::release(allocator) };
}

unsafe extern "C" fn create_transfer(
    _: *mut OrtEpFactory,
    created: *mut *mut OrtDataTransferImpl,
) -> OrtStatusPtr {
    status("CreateDataTransfer", || {
        unsafe { *created = Transfer::create() };
        Ok(())
    })
}

/// For no session: nobody here has a use for it.
unsafe extern "C" fn create_stream(
    _: *mut OrtEpFactory,
    memory: *const OrtMemoryDevice,
    _options: *const OrtKeyValuePairs,
    created: *mut *mut OrtSyncStreamImpl,
) -> OrtStatusPtr {
    status("CreateSyncStreamForDevice of the library", || {
        let ordinal = unsafe { (ep().MemoryDevice_GetDeviceId)(memory) };
        let device = Device(ordinal.cast_signed());
        unsafe { *created = SessionStream::create(device, 0) };
        Ok(())
    })
}
