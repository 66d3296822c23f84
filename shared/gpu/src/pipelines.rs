//! The kernels, compiled for one length of transform.

use crate::device_caps::threads;

/// Compute pipelines; see `stft.wgsl` and `pool.wgsl`.
pub(crate) struct Pipelines {
    pub frames_to_power: wgpu::ComputePipeline,
    pub gather: wgpu::ComputePipeline,
    pub finish: wgpu::ComputePipeline,
    pub pool_layout: wgpu::BindGroupLayout,
}

impl Pipelines {
    pub fn new(device: &wgpu::Device, fft_size: usize) -> Pipelines {
        let constants = format!(
            "const FFT_SIZE: u32 = {fft_size}u;\nconst THREADS: u32 = {}u;\n",
            threads(fft_size)
        );
        let stft = module(device, "stft.wgsl", constants + include_str!("stft.wgsl"));
        let pool = module(device, "pool.wgsl", include_str!("pool.wgsl").to_owned());
        // Gathering and finishing share one layout, though each leaves some of it unused.
        let pool_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("pool"),
            entries: &[
                entry(0, wgpu::BufferBindingType::Uniform),
                entry(1, wgpu::BufferBindingType::Storage { read_only: true }),
                entry(2, wgpu::BufferBindingType::Storage { read_only: true }),
                entry(3, wgpu::BufferBindingType::Storage { read_only: true }),
                entry(4, wgpu::BufferBindingType::Storage { read_only: false }),
            ],
        });
        let pooling = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("pool"),
            bind_group_layouts: &[Some(&pool_layout)],
            immediate_size: 0,
        });
        Pipelines {
            frames_to_power: pipeline(device, None, &stft, "frames_to_power"),
            gather: pipeline(device, Some(&pooling), &pool, "gather"),
            finish: pipeline(device, Some(&pooling), &pool, "finish"),
            pool_layout,
        }
    }
}

fn module(device: &wgpu::Device, label: &str, source: String) -> wgpu::ShaderModule {
    device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

fn entry(binding: u32, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

fn pipeline(
    device: &wgpu::Device,
    layout: Option<&wgpu::PipelineLayout>,
    module: &wgpu::ShaderModule,
    entry_point: &str,
) -> wgpu::ComputePipeline {
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(entry_point),
        layout,
        module,
        entry_point: Some(entry_point),
        compilation_options: Default::default(),
        cache: None,
    })
}
