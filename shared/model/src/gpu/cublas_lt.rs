//! x Wᵀ + b + residual, in one kernel: cuBLASLt adds what a pass of its own would read and write everything for.
#![expect(unsafe_code, reason = "cuBLASLt takes pointers; all that it reaches is checked here")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Mutex, OnceLock, PoisonError};

use candle_core::cuda_backend::cudarc::cublaslt::result::CublasError;
use candle_core::cuda_backend::cudarc::cublaslt::{result, sys};
use candle_core::cuda_backend::cudarc::driver::DevicePtr as _;
use candle_core::{DType, Error, Result, Tensor};

use super::cuda::{new_tensor, pointer_of};

/// What a kernel may use beside what it reads and writes, as NVIDIA advises for Hopper.
const WORKSPACE_BYTES: usize = 32 << 20;
/// Where everything begins that a kernel reads: at a multiple of so many bytes.
const ALIGNED_BYTES: u64 = 16;

/// A kind of product, for which cuBLASLt chose a kernel once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    dtype: DType,
    rows: usize,
    out: usize,
    into: usize,
    bias: bool,
    residual: bool,
}

/// What cuBLASLt is told of a product. Kept as long as the program runs: kinds are few.
struct Plan {
    desc: sys::cublasLtMatmulDesc_t,
    weight: sys::cublasLtMatrixLayout_t,
    x: sys::cublasLtMatrixLayout_t,
    out: sys::cublasLtMatrixLayout_t,
    algorithm: sys::cublasLtMatmulAlgo_t,
}

struct Library {
    handle: sys::cublasLtHandle_t,
    /// None where no kernel does it.
    plans: HashMap<Kind, Option<Plan>>,
}

// SAFETY: handles and descriptions belong to no thread, and are used under a lock.
unsafe impl Send for Library {}

/// x is (batch, rows, in), W (out, in), b (out), the residual (batch, rows, out). None where cuBLASLt has no kernel for
/// it.
pub(super) fn product(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    residual: Option<&Tensor>,
) -> Result<Option<Tensor>> {
    // Tests compute the rest on the CPU.
    let Ok(device) = x.device().as_cuda_device() else { return Ok(None) };
    let (batch, rows, into) = x.dims3()?;
    let (rows, out) = (batch * rows, weight.dim(0)?);
    let dtype = x.dtype();
    let known = matches!(dtype, DType::F32 | DType::F16 | DType::BF16);
    if rows * out * into == 0 || !known || (bias.is_none() && residual.is_none()) {
        return Ok(None);
    }
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let bias = bias.map(Tensor::contiguous).transpose()?;
    let residual = residual.map(Tensor::contiguous).transpose()?;
    let stream = device.cuda_stream();
    let result = new_tensor(device, (batch, x.dim(1)?, out), dtype)?;
    let at = |tensor: &Tensor, count| pointer_of(tensor, count, dtype, &stream);
    let (x_at, weight_at) = (at(&x, rows * into)?, at(&weight, out * into)?);
    let bias_at = bias.as_ref().map(|bias| at(bias, out)).transpose()?;
    let residual_at = residual.as_ref().map(|residual| at(residual, rows * out)).transpose()?;
    let result_at = at(&result, rows * out)?;
    let all = [Some(x_at), Some(weight_at), bias_at, residual_at, Some(result_at)];
    if all.into_iter().flatten().any(|pointer| !pointer.is_multiple_of(ALIGNED_BYTES)) {
        return Ok(None);
    }
    let kind = Kind { dtype, rows, out, into, bias: bias.is_some(), residual: residual.is_some() };
    // SAFETY: the kernel writes what it reads of it, on this stream, before anybody else has it.
    let workspace = unsafe { device.alloc::<u8>(WORKSPACE_BYTES)? };
    let mut library = library()?.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = library.handle;
    let plan = match library.plans.entry(kind) {
        std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::hash_map::Entry::Vacant(entry) => {
            entry.insert(Plan::new(handle, kind).map_err(Error::wrap)?)
        }
    };
    let Some(plan) = plan else { return Ok(None) };
    let (one, beta) = (1.0f32, if kind.residual { 1.0f32 } else { 0.0 });
    // SAFETY: the plan is of these shapes and this kind of number, pointers are to as many; nobody changes the
    // description meanwhile, and the workspace is freed on the stream that the kernel runs on.
    unsafe {
        if let Some(bias_at) = bias_at {
            let bias = sys::cublasLtMatmulDescAttributes_t::CUBLASLT_MATMUL_DESC_BIAS_POINTER;
            set(plan.desc, bias, &bias_at).map_err(Error::wrap)?;
        }
        result::matmul(
            handle,
            plan.desc,
            (&raw const one).cast(),
            (&raw const beta).cast(),
            weight_at as *const c_void,
            plan.weight,
            x_at as *const c_void,
            plan.x,
            residual_at.unwrap_or(result_at) as *const c_void,
            plan.out,
            result_at as *mut c_void,
            plan.out,
            &raw const plan.algorithm,
            workspace.device_ptr(&stream).0 as *mut c_void,
            WORKSPACE_BYTES,
            stream.cu_stream().cast(),
        )
        .map_err(Error::wrap)?;
    }
    Ok(Some(result))
}

fn library() -> Result<&'static Mutex<Library>> {
    static LIBRARY: OnceLock<Mutex<Library>> = OnceLock::new();
    if let Some(library) = LIBRARY.get() {
        return Ok(library);
    }
    let handle = result::create_handle().map_err(Error::wrap)?;
    Ok(LIBRARY.get_or_init(|| Mutex::new(Library { handle, plans: HashMap::new() })))
}

impl Plan {
    /// None where no kernel does it.
    fn new(
        handle: sys::cublasLtHandle_t,
        kind: Kind,
    ) -> std::result::Result<Option<Plan>, CublasError> {
        use sys::cublasLtMatmulDescAttributes_t as Of;
        use sys::cublasLtMatmulPreferenceAttributes_t as Wanted;
        let numbers = match kind.dtype {
            DType::F16 => sys::cudaDataType_t::CUDA_R_16F,
            DType::BF16 => sys::cudaDataType_t::CUDA_R_16BF,
            _ => sys::cudaDataType_t::CUDA_R_32F,
        };
        let (rows, out, into) = (kind.rows as u64, kind.out as u64, kind.into as u64);
        // cuBLAS counts along columns: our rows are its columns, and what it is to find is W xᵀ.
        let weight = result::create_matrix_layout(numbers, into, out, kind.into as i64)?;
        let x = result::create_matrix_layout(numbers, into, rows, kind.into as i64)?;
        let found = result::create_matrix_layout(numbers, out, rows, kind.out as i64)?;
        let sums = sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        let desc = result::create_matmul_desc(sums, sys::cudaDataType_t::CUDA_R_32F)?;
        let wanted = result::create_matmul_pref()?;
        let (turned, workspace, aligned) = (1i32, WORKSPACE_BYTES, ALIGNED_BYTES as u32);
        // SAFETY: each attribute is given as many bytes as it has, of things made above.
        let chosen = unsafe {
            set(desc, Of::CUBLASLT_MATMUL_DESC_TRANSA, &turned)?;
            if kind.bias {
                let with = sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS;
                set(desc, Of::CUBLASLT_MATMUL_DESC_EPILOGUE, &with)?;
            }
            let of = |attribute, value: *const c_void, size| {
                result::set_matmul_pref_attribute(wanted, attribute, value, size)
            };
            let workspace_at = (&raw const workspace).cast();
            of(Wanted::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_at, size_of::<usize>())?;
            for attribute in [
                Wanted::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                Wanted::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                Wanted::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                Wanted::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
            ] {
                of(attribute, (&raw const aligned).cast(), size_of::<u32>())?;
            }
            let chosen =
                result::get_matmul_algo_heuristic(handle, desc, weight, x, found, found, wanted);
            result::destroy_matmul_pref(wanted)?;
            chosen
        };
        Ok(chosen.ok().map(|chosen| Plan { desc, weight, x, out: found, algorithm: chosen.algo }))
    }
}

/// # Safety
/// The attribute must be of the value's type.
unsafe fn set<T>(
    desc: sys::cublasLtMatmulDesc_t,
    attribute: sys::cublasLtMatmulDescAttributes_t,
    value: &T,
) -> std::result::Result<(), CublasError> {
    // SAFETY: as many bytes as the attribute has.
    unsafe {
        result::set_matmul_desc_attribute(
            desc,
            attribute,
            std::ptr::from_ref(value).cast(),
            size_of::<T>(),
        )
    }
}
