//! What happens to rows between products: each a kernel of `kernels.cu`, and the same for the CPU in plain loops.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use crate::kernels::trained::Drops;
use crate::kernels::{contiguous, gelu};

/// One pass over a tensor; the result is as large, or as large as a part.
pub(super) enum Pass {
    /// x + bias, then GELU or + residual.
    AfterLinear { bias: Option<Tensor>, residual: Option<Tensor>, gelu: bool },
    /// The gradient by inside + bias of what has the gradient x by its GELU.
    GeluBack { inside: Tensor, bias: Option<Tensor> },
    /// (x − mean) / √(variance + eps) · weight + bias.
    LayerNorm { weight: Tensor, bias: Tensor, eps: f32 },
    /// The gradient by `from` of what has the gradient x by its layer norm.
    LayerNormBack { from: Tensor, weight: Tensor, eps: f32 },
    /// What the gradient by the weight is the sum of over rows.
    LayerNormTerms { from: Tensor, eps: f32 },
    /// Shares that follow from scores, scaled.
    Softmax { scale: f32 },
    /// The gradient by the scores of what has the gradient x by their shares.
    SoftmaxBack { shares: Tensor, scale: f32 },
    /// (batch, first, second, inside) to (batch, second, first, inside).
    SwapMiddle,
    /// One of several parts of (batch, rows, parts · heads · inside) to (batch, heads, rows, inside).
    HeadsFirst { parts: usize, index: usize, heads: usize },
    /// Some values to zero, the others raised.
    Drop(Drops),
}

/// What a kernel reads beside x, where it is there at all.
pub(super) enum Beside<'a> {
    /// As many values as x has.
    Rows(Option<&'a Tensor>),
    /// As many as a row has.
    Row(Option<&'a Tensor>),
}

/// A number that a kernel is given, as it expects it.
pub(super) enum Number {
    Int(i32),
    Long(u64),
    Float(f32),
}

impl Pass {
    /// Computes it; no gradient passes through.
    pub(super) fn over(self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&self)
    }

    /// How many values lie in a row of x, and the shape of the result.
    fn shapes(&self, x: &Shape) -> Result<(usize, Shape)> {
        if let Pass::SwapMiddle = self {
            let (batch, first, second, inside) = x.dims4()?;
            return Ok((second * inside, Shape::from((batch, second, first, inside))));
        }
        if let Pass::HeadsFirst { parts, heads, .. } = self {
            let (batch, rows, all) = x.dims3()?;
            let width = all / parts;
            return Ok((width, Shape::from((batch, *heads, rows, width / heads))));
        }
        Ok((x.dims().last().copied().unwrap_or(1), x.clone()))
    }

    /// What its kernel is given after the result and x, and after the number of columns.
    fn given(&self, x: &Shape) -> Result<(Vec<Beside<'_>>, Vec<Number>)> {
        use Beside::{Row, Rows};
        let int = |value: usize| match i32::try_from(value) {
            Ok(value) => Ok(Number::Int(value)),
            Err(_) => candle_core::bail!("a tensor of {value} rows or columns"),
        };
        Ok(match self {
            Pass::AfterLinear { bias, residual, gelu } => {
                (vec![Row(bias.as_ref()), Rows(residual.as_ref())], vec![int(usize::from(*gelu))?])
            }
            Pass::GeluBack { inside, bias } => {
                (vec![Rows(Some(inside)), Row(bias.as_ref())], vec![])
            }
            Pass::LayerNorm { weight, bias, eps } => {
                (vec![Row(Some(weight)), Row(Some(bias))], vec![Number::Float(*eps)])
            }
            Pass::LayerNormBack { from, weight, eps } => {
                (vec![Rows(Some(from)), Row(Some(weight))], vec![Number::Float(*eps)])
            }
            Pass::LayerNormTerms { from, eps } => {
                (vec![Rows(Some(from))], vec![Number::Float(*eps)])
            }
            Pass::Softmax { scale } => (vec![], vec![Number::Float(*scale)]),
            Pass::SoftmaxBack { shares, scale } => {
                (vec![Rows(Some(shares))], vec![Number::Float(*scale)])
            }
            Pass::SwapMiddle => {
                let (_, first, second, inside) = x.dims4()?;
                let numbers = [first, second, inside, second * inside, 0];
                (vec![], numbers.into_iter().map(int).collect::<Result<_>>()?)
            }
            Pass::HeadsFirst { parts, index, heads } => {
                let (_, rows, all) = x.dims3()?;
                let width = all / parts;
                let numbers = [rows, *heads, width / heads, all, index * width];
                (vec![], numbers.into_iter().map(int).collect::<Result<_>>()?)
            }
            Pass::Drop(Drops { first, below, raised }) => {
                (vec![], vec![Number::Long(*first), Number::Long(*below), Number::Float(*raised)])
            }
        })
    }
}

impl CustomOp1 for Pass {
    /// What its kernel is called, before the kind of number.
    fn name(&self) -> &'static str {
        match self {
            Pass::AfterLinear { .. } => "after_linear",
            Pass::GeluBack { .. } => "gelu_back",
            Pass::LayerNorm { .. } => "layer_norm",
            Pass::LayerNormBack { .. } => "layer_norm_back",
            Pass::LayerNormTerms { .. } => "layer_norm_terms",
            Pass::Softmax { .. } => "softmax",
            Pass::SoftmaxBack { .. } => "softmax_back",
            Pass::SwapMiddle | Pass::HeadsFirst { .. } => "swap_middle",
            Pass::Drop(_) => "drop",
        }
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (columns, shape) = self.shapes(layout.shape())?;
        let values = on_cpu(self, contiguous(x, layout)?, layout.shape(), columns.max(1))?;
        Ok((CpuStorage::F32(values), shape))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        x: &candle_core::CudaStorage,
        layout: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        let (columns, shape) = self.shapes(layout.shape())?;
        let (beside, numbers) = self.given(layout.shape())?;
        let out =
            super::cuda::start(self.name(), (x, layout), (&shape, columns), &beside, &numbers)?;
        Ok((out, shape))
    }
}

fn on_cpu(pass: &Pass, x: &[f32], shape: &Shape, columns: usize) -> Result<Vec<f32>> {
    let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let values_if_any = |tensor: &Option<Tensor>| tensor.as_ref().map(values).transpose();
    let rows = |f: &dyn Fn(usize, &[f32]) -> Vec<f32>| -> Vec<f32> {
        x.chunks(columns).enumerate().flat_map(|(row, x)| f(row * columns, x)).collect()
    };
    Ok(match pass {
        Pass::AfterLinear { bias, residual, gelu } => {
            let (bias, residual) = (values_if_any(bias)?, values_if_any(residual)?);
            rows(&|start, x| {
                let one = |(c, x): (usize, &f32)| {
                    let x = x + bias.as_ref().map_or(0.0, |bias| bias[c]);
                    let x = if *gelu { x * share_below(x) } else { x };
                    x + residual.as_ref().map_or(0.0, |residual| residual[start + c])
                };
                x.iter().enumerate().map(one).collect()
            })
        }
        Pass::GeluBack { inside, bias } => {
            let (inside, bias) = (values(inside)?, values_if_any(bias)?);
            rows(&|start, x| {
                let one = |(c, x): (usize, &f32)| {
                    let at = inside[start + c] + bias.as_ref().map_or(0.0, |bias| bias[c]);
                    x * (share_below(at) + at * density(at))
                };
                x.iter().enumerate().map(one).collect()
            })
        }
        Pass::LayerNorm { weight, bias, eps } => {
            let (weight, bias) = (values(weight)?, values(bias)?);
            rows(&|_, x| {
                let (mean, scale) = spread(x, *eps);
                let one = |((x, w), b): ((&f32, &f32), &f32)| (x - mean) * scale * w + b;
                x.iter().zip(&weight).zip(&bias).map(one).collect()
            })
        }
        Pass::LayerNormBack { from, weight, eps } => {
            let (from, weight) = (values(from)?, values(weight)?);
            rows(&|start, x| {
                let from = &from[start..start + columns];
                let (mean, scale) = spread(from, *eps);
                let normed: Vec<f32> = from.iter().map(|x| (x - mean) * scale).collect();
                let h: Vec<f32> = x.iter().zip(&weight).map(|(x, w)| x * w).collect();
                let even = mean_of(h.iter().copied());
                let along = mean_of(h.iter().zip(&normed).map(|(h, n)| h * n));
                h.iter().zip(&normed).map(|(h, n)| (h - even - n * along) * scale).collect()
            })
        }
        Pass::LayerNormTerms { from, eps } => {
            let from = values(from)?;
            rows(&|start, x| {
                let from = &from[start..start + columns];
                let (mean, scale) = spread(from, *eps);
                x.iter().zip(from).map(|(x, from)| x * (from - mean) * scale).collect()
            })
        }
        Pass::Softmax { scale } => rows(&|_, x| {
            let most = x.iter().map(|x| x * scale).fold(f32::NEG_INFINITY, f32::max);
            let powers: Vec<f32> = x.iter().map(|x| (x * scale - most).exp()).collect();
            let all: f32 = powers.iter().sum();
            powers.iter().map(|power| power / all).collect()
        }),
        Pass::SoftmaxBack { shares, scale } => {
            let shares = values(shares)?;
            rows(&|start, x| {
                let shares = &shares[start..start + columns];
                let along: f32 = x.iter().zip(shares).map(|(x, share)| x * share).sum();
                x.iter().zip(shares).map(|(x, share)| share * (x - along) * scale).collect()
            })
        }
        Pass::SwapMiddle => {
            let (_, first, second, inside) = shape.dims4()?;
            swapped(x, [first, second, inside, columns, 0])
        }
        Pass::HeadsFirst { parts, index, heads } => {
            let rows = shape.dims3()?.1;
            let inside = columns / heads;
            swapped(x, [rows, *heads, inside, parts * columns, index * columns])
        }
        Pass::Drop(drops) => drops.of(x),
    })
}

/// As the kernel `swap_middle` does.
fn swapped(x: &[f32], [first, second, inside, apart, from]: [usize; 5]) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / apart * second * inside];
    for (row, x) in x.chunks(apart).enumerate() {
        let (outer, at) = (row / first, row % first);
        let x = &x[from..from + second * inside];
        for (other, x) in x.chunks(inside).enumerate() {
            let to = ((outer * second + other) * first + at) * inside;
            out[to..to + inside].copy_from_slice(x);
        }
    }
    out
}

fn share_below(x: f32) -> f32 {
    gelu::share_below(x, (-0.5 * x * x).exp())
}

fn density(x: f32) -> f32 {
    0.398_942_3 * (-0.5 * x * x).exp()
}

fn mean_of(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let count = values.len() as f32;
    values.sum::<f32>() / count
}

/// The mean, and 1 / √(variance + eps).
fn spread(row: &[f32], eps: f32) -> (f32, f32) {
    let mean = mean_of(row.iter().copied());
    let variance = mean_of(row.iter().map(|x| (x - mean) * (x - mean)));
    (mean, 1.0 / (variance + eps).sqrt())
}
