//! Kernels on an NVIDIA GPU.
#![expect(unsafe_code, reason = "a kernel takes pointers; all that it reaches is checked here")]

use std::ops::Range;

use candle_core::backend::{BackendDevice as _, BackendStorage as _};
use candle_core::cuda_backend::cudarc::driver::sys::CUmemPool_attribute;
use candle_core::cuda_backend::cudarc::driver::{
    CudaStream, DevicePtr as _, DevicePtrMut as _, LaunchConfig, PushKernelArg as _, result,
};
use candle_core::cuda_backend::{CudaStorageSlice, WrapErr as _};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, DType, Device, Layout, Result, Shape, Storage, Tensor};

use super::passes::{Beside, Number};
use crate::optimizing::AdamWStep;

/// `kernels.cu`, compiled for the card.
const KERNELS: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// Values that one thread moves at a time.
const PER_THREAD: usize = 8;

/// The first card, with one stream for all threads: candle's usual device has one for each of them, and what one thread
/// has asked for another would read too early.
pub(crate) fn first_card() -> Result<Device> {
    let device = Device::new_cuda_with_stream(0)?;
    // SAFETY: everything happens on one stream, in the order in which it is asked for: no event need tell it.
    unsafe { device.as_cuda_device()?.disable_event_tracking() };
    keep_memory(device.as_cuda_device()?)?;
    Ok(device)
}

/// Lets the driver keep what was freed: it would give it back to the system whenever somebody waits for a result, and
/// fetch it anew for the next batch, page by page.
fn keep_memory(device: &CudaDevice) -> Result<()> {
    let stream = device.cuda_stream();
    if !stream.context().has_async_alloc() {
        return Ok(());
    }
    let mut most = u64::MAX;
    // SAFETY: a card that allocates on a stream has a pool, and the threshold is a number of 64 bits.
    unsafe {
        let pool = result::device::get_default_mem_pool(stream.context().cu_device()).w()?;
        let threshold = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, threshold, (&raw mut most).cast()).w()
    }
}

/// Starts a kernel with a block of threads for each row of the result, of a shape and so many columns; x has no holes.
/// Gives what it will have written.
pub(super) fn start(
    kernel: &str,
    (x, layout): (&CudaStorage, &Layout),
    (shape, columns): (&Shape, usize),
    beside: &[Beside<'_>],
    numbers: &[Number],
) -> Result<CudaStorage> {
    let device = x.device().clone();
    let stream = device.cuda_stream();
    let dtype = x.dtype();
    let count = shape.elem_count();
    // SAFETY: the kernel writes all of it before anything else on the stream reads it.
    let mut out = unsafe { device.alloc_uninit(shape, dtype)? };
    if count == 0 {
        return Ok(out);
    }
    let rows = count / columns;
    let mut pointers = vec![pointer_to_write(&mut out, &stream)?];
    let all = layout.shape().elem_count();
    pointers.push(pointer(x, without_holes(layout, all)?, &stream)?);
    for tensor in beside {
        let (tensor, count) = match tensor {
            Beside::Rows(tensor) => (tensor, count),
            Beside::Row(tensor) => (tensor, columns),
        };
        pointers.push(match tensor {
            Some(tensor) => pointer_of(tensor, count, dtype, &stream)?,
            None => 0,
        });
    }
    let (Ok(grid), Ok(width)) = (u32::try_from(rows), i32::try_from(columns)) else {
        candle_core::bail!("a tensor of {rows} rows of {columns} is too large for one kernel");
    };
    let name = match dtype {
        DType::F32 => format!("{kernel}_f32"),
        DType::F16 => format!("{kernel}_f16"),
        DType::BF16 => format!("{kernel}_bf16"),
        other => candle_core::bail!("{kernel} does not know {other:?}"),
    };
    let function = device.get_or_load_custom_func(&name, "spyhop", KERNELS)?;
    let mut call = function.builder();
    for pointer in &pointers {
        call.arg(pointer);
    }
    call.arg(&width);
    for number in numbers {
        match number {
            Number::Int(number) => call.arg(number),
            Number::Long(number) => call.arg(number),
            Number::Float(number) => call.arg(number),
        };
    }
    // A power of two, as its sums ask for.
    let threads = columns.div_ceil(PER_THREAD).next_power_of_two().clamp(32, 256) as u32;
    let shape =
        LaunchConfig { grid_dim: (grid, 1, 1), block_dim: (threads, 1, 1), shared_mem_bytes: 0 };
    // SAFETY: rows · columns values lie behind each pointer that is read by rows, columns behind the others; all are
    // of the kernel's kind of number, and freed on the stream that it runs on.
    unsafe { call.launch(shape) }.w()?;
    drop(call);
    Ok(out)
}

/// The memory of a tensor; one number is left in its place, since a card gives no memory of no size.
pub(super) fn taken(storage: &mut CudaStorage) -> Result<CudaStorage> {
    let (device, dtype) = (storage.device().clone(), storage.dtype());
    // SAFETY: nobody reads what stands there.
    let nothing = unsafe { device.alloc_uninit(&Shape::from(1), dtype)? };
    Ok(std::mem::replace(storage, nothing))
}

/// Values of which a block of `kernels.cu` makes its own.
const PIECE: usize = 2048;

/// A kernel that goes through values piece by piece: the shape of its start.
fn by_pieces(count: usize) -> Result<LaunchConfig> {
    let Ok(blocks) = u32::try_from(count.div_ceil(PIECE)) else {
        candle_core::bail!("a tensor of {count} values is too large for one kernel");
    };
    Ok(LaunchConfig { grid_dim: (blocks, 1, 1), block_dim: (256, 1, 1), shared_mem_bytes: 0 })
}

/// See [`crate::optimizing::sum_of_squares`].
pub(crate) fn sum_of_squares(tensors: &[Tensor]) -> Result<Tensor> {
    let Some(first) = tensors.first() else { candle_core::bail!("squares of no tensors") };
    let device = first.device().as_cuda_device()?.clone();
    let stream = device.cuda_stream();
    let pieces: usize = tensors.iter().map(|tensor| tensor.elem_count().div_ceil(PIECE)).sum();
    let sums = Tensor::zeros(pieces, DType::F32, first.device())?;
    let function = device.get_or_load_custom_func("squares_f32", "spyhop", KERNELS)?;
    let mut done = 0;
    for tensor in tensors.iter().filter(|tensor| tensor.elem_count() > 0) {
        let count = tensor.elem_count();
        let shape = by_pieces(count)?;
        let blocks = count.div_ceil(PIECE);
        let out = pointer_of(&sums.narrow(0, done, blocks)?, blocks, DType::F32, &stream)?;
        let x = pointer_of(tensor, count, DType::F32, &stream)?;
        let mut call = function.builder();
        call.arg(&out).arg(&x).arg(&count);
        // SAFETY: count values lie behind x, and behind out a place for each block, which nobody else has.
        unsafe { call.launch(shape) }.w()?;
        done += blocks;
    }
    sums.sum_all()
}

/// See [`crate::optimizing::AdamWStep::on_gpu`].
pub(crate) fn adam_w(
    step: &AdamWStep,
    values: &Tensor,
    gradient: &Tensor,
    [mean, square]: [&Tensor; 2],
    lost: &Tensor,
) -> Result<()> {
    let count = values.elem_count();
    if count == 0 {
        return Ok(());
    }
    let device = values.device().as_cuda_device()?.clone();
    let stream = device.cuda_stream();
    let of = |tensor: &Tensor, count| pointer_of(tensor, count, DType::F32, &stream);
    let pointers = [
        of(values, count)?,
        of(gradient, count)?,
        of(mean, count)?,
        of(square, count)?,
        of(lost, 1)?,
    ];
    let AdamWStep { factor, kept, fresh: [fresh1, fresh2], beta2, size, root, epsilon } = step;
    let function = device.get_or_load_custom_func("adam_w_f32", "spyhop", KERNELS)?;
    let mut call = function.builder();
    for pointer in &pointers {
        call.arg(pointer);
    }
    call.arg(&count);
    for number in [factor, kept, fresh1, fresh2, beta2, size, root, epsilon] {
        call.arg(number);
    }
    let shape = by_pieces(count)?;
    // SAFETY: count values lie behind each pointer, one behind the last; those that change are the optimiser's own, and
    // what is asked for later on the stream reads them as they are then.
    unsafe { call.launch(shape) }.w()?;
    Ok(())
}

/// What flash attention knows: cards since Ampere, half precision, heads of at most 256 in steps of 8. `q` is (batch,
/// tokens, heads, head size).
pub(super) fn has_flash_attention(q: &Tensor) -> bool {
    let head_size = q.dim(3).unwrap_or(0);
    let card = |device: &CudaDevice| device.cuda_stream().context().compute_capability().ok();
    q.device().as_cuda_device().ok().and_then(card).is_some_and(|(major, _)| major >= 8)
        && matches!(q.dtype(), DType::BF16 | DType::F16)
        && head_size <= 256
        && head_size.is_multiple_of(8)
}

/// softmax(q kᵀ · scale) v, without writing the scores out; all are (batch, tokens, heads, head size), and may be
/// parts of wider tensors.
pub(super) fn flash_attention(q: &Tensor, k: &Tensor, v: &Tensor, scale: f32) -> Result<Tensor> {
    candle_flash_attn::flash_attn(q, k, v, scale, false)
}

fn without_holes(layout: &Layout, count: usize) -> Result<Range<usize>> {
    match layout.contiguous_offsets() {
        Some((start, end)) if end - start == count => Ok(start..end),
        _ => candle_core::bail!("a tensor {:?} for a kernel that reads {count}", layout.shape()),
    }
}

/// A tensor that somebody is going to write.
pub(super) fn new_tensor(
    device: &CudaDevice,
    shape: impl Into<Shape>,
    dtype: DType,
) -> Result<Tensor> {
    let shape = shape.into();
    // SAFETY: the caller has all of it written before anything else on the stream reads it.
    let storage = unsafe { device.alloc_uninit(&shape, dtype)? };
    Ok(Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false))
}

/// Where the numbers of a tensor begin, of which there are so many, without holes.
pub(super) fn pointer_of(
    tensor: &Tensor,
    count: usize,
    dtype: DType,
    stream: &CudaStream,
) -> Result<u64> {
    if tensor.dtype() != dtype {
        candle_core::bail!("numbers of {:?} beside {dtype:?}", tensor.dtype());
    }
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cuda(storage) => pointer(storage, without_holes(layout, count)?, stream),
        _ => candle_core::bail!("a tensor that is not on the GPU"),
    }
}

fn pointer(storage: &CudaStorage, range: Range<usize>, stream: &CudaStream) -> Result<u64> {
    macro_rules! of {
        ($slice:expr) => {
            match $slice.try_slice(range) {
                Some(values) => Ok(values.device_ptr(stream).0),
                None => candle_core::bail!("a tensor that reaches beyond its memory"),
            }
        };
    }
    match &storage.slice {
        CudaStorageSlice::F32(slice) => of!(slice),
        CudaStorageSlice::F16(slice) => of!(slice),
        CudaStorageSlice::BF16(slice) => of!(slice),
        _ => candle_core::bail!("numbers that no kernel knows"),
    }
}

fn pointer_to_write(storage: &mut CudaStorage, stream: &CudaStream) -> Result<u64> {
    match &mut storage.slice {
        CudaStorageSlice::F32(slice) => Ok(slice.device_ptr_mut(stream).0),
        CudaStorageSlice::F16(slice) => Ok(slice.device_ptr_mut(stream).0),
        CudaStorageSlice::BF16(slice) => Ok(slice.device_ptr_mut(stream).0),
        _ => candle_core::bail!("numbers that no kernel knows"),
    }
}
