//! Modules that others made, run by libtorch: `runtime = "torchscript"`. Opened by `assembly`, which has made sure that the module
//! may run; scores on the classify thread.

use std::io::Cursor;
use std::sync::Arc;

use tch::jit::{
    CModule, IValue, f_set_graph_executor_optimize, f_set_profiling_mode,
    f_set_tensor_expr_fuser_enabled,
};
use tch::{Device, Kind, Tensor};

use super::error::NO_MACHINE_CODE;
use super::{ModuleError, TorchError};
use crate::domain::{LabelSet, MelWindow, Scores, StreamId};
use crate::model::{
    Affine, Constant, LogMelLayout, ModuleActivation, ModuleBundle, ModuleInput, ModuleManifest,
    ModuleOutput, ModuleRuntime, ModuleStream, Reduction, WaveformInput, WaveformLayout,
    WaveformNormalisation,
};
use crate::recognition::ScorerError;

/// The method by which modules forget what they were given; one that lacks it is loaded anew.
const RESET: &str = "reset_states";

/// A module that has scored one window of silence.
pub struct TorchModule {
    source: Arc<ModuleSource>,
    stateful: bool,
}

/// What an instance of the module is made from.
struct ModuleSource {
    bytes: Vec<u8>,
    manifest: ModuleManifest,
    labels: LabelSet,
    kind: Kind,
}

/// One instance of the module.
struct ModuleInstance {
    source: Arc<ModuleSource>,
    module: CModule,
    /// The window that was given last; none before the first.
    last: Option<LastWindow>,
    /// A window's samples, while they are normalised.
    samples: Vec<f32>,
}

#[derive(Clone, Copy)]
struct LastWindow {
    stream: StreamId,
    segment: u64,
    start_frame: u64,
}

impl TorchModule {
    /// Loads the module of a bundle, and has it score a window of silence.
    ///
    /// # Errors
    /// [`TorchError::Module`] when it cannot be loaded, refuses its input, or does not give one score a label.
    pub fn open(bundle: &ModuleBundle) -> Result<Self, TorchError> {
        let path = bundle.module_path();
        let failed = |source| TorchError::Module { path: path.clone(), source };
        let of_kind = |kind| {
            Arc::new(ModuleSource {
                bytes: bundle.module.clone(),
                manifest: bundle.manifest.clone(),
                labels: bundle.labels.clone(),
                kind,
            })
        };
        compile_nothing().map_err(|error| failed(error.into()))?;
        let source = of_kind(Kind::Float);
        let source = match probe(&source) {
            Err(ModuleError::Call { reason }) if reason.contains(NO_MACHINE_CODE) => {
                let double = of_kind(Kind::Double);
                probe(&double).map_err(|_| failed(ModuleError::NoMachineCode))?;
                log::info!(
                    "this process may not make machine code, so {} computes with 64 bits",
                    path.display()
                );
                double
            }
            probed => probed.map(|()| source).map_err(failed)?,
        };
        Ok(Self { source, stateful: bundle.manifest.module.stateful })
    }
}

/// Has TorchScript interpret modules as they are. Its optimisation while a module runs makes the first windows slow, and what it
/// makes of a module depends on the windows that come first.
fn compile_nothing() -> Result<(), tch::TchError> {
    f_set_profiling_mode(false)?;
    f_set_tensor_expr_fuser_enabled(false)?;
    f_set_graph_executor_optimize(false)
}

/// Loads the module and scores silence.
fn probe(source: &Arc<ModuleSource>) -> Result<(), ModuleError> {
    let spec = source.manifest.featuriser_spec();
    let window = MelWindow::zeros(spec.window.frames, spec.front_end.mel_bands);
    let mut scores = Scores::zeros(source.labels.len());
    ModuleInstance::new(source)?.score_window(&window, &mut scores)
}

impl ModuleRuntime for TorchModule {
    fn open(&self) -> Result<Box<dyn ModuleStream>, ScorerError> {
        let instance = ModuleInstance::new(&self.source);
        Ok(Box::new(instance.map_err(|error| ScorerError(Box::new(error)))?))
    }

    fn is_stateful(&self) -> bool {
        self.stateful
    }
}

impl ModuleInstance {
    fn new(source: &Arc<ModuleSource>) -> Result<Self, ModuleError> {
        let module = source.load()?;
        Ok(Self { source: Arc::clone(source), module, last: None, samples: Vec::new() })
    }

    /// Makes the module forget all windows, unless `window` follows the one that it was given last.
    fn begin_anew_at(&mut self, window: &MelWindow) -> Result<(), ModuleError> {
        let manifest = &self.source.manifest;
        let MelWindow { stream, segment, start_frame, .. } = *window;
        let last = self.last.replace(LastWindow { stream, segment, start_frame });
        if !manifest.module.stateful {
            return Ok(());
        }
        let Some(last) = last else { return Ok(()) };
        let hop = manifest.featuriser_spec().window.hop_frames as u64;
        let follows = (last.stream, last.segment) == (stream, segment)
            && last.start_frame.checked_add(hop) == Some(start_frame);
        if follows {
            return Ok(());
        }
        let nothing: &[IValue] = &[];
        if self.module.method_is(RESET, nothing).is_err() {
            self.module = self.source.load()?;
        }
        Ok(())
    }

    /// Scores one window.
    fn score_window(&mut self, window: &MelWindow, scores: &mut Scores) -> Result<(), ModuleError> {
        let _guard = tch::no_grad_guard();
        self.begin_anew_at(window)?;
        let ModuleManifest { module, input, output, .. } = &self.source.manifest;
        let tensor = match input {
            ModuleInput::Waveform(input) => {
                self.samples.clear();
                self.samples.extend_from_slice(&window.values);
                prepare(&mut self.samples, input);
                let samples = Tensor::f_from_slice(&self.samples)?; // [samples]
                match input.layout {
                    WaveformLayout::T => samples,
                    WaveformLayout::NT => samples.f_reshape([1, -1])?,
                    WaveformLayout::N1T => samples.f_reshape([1, 1, -1])?,
                }
            }
            ModuleInput::LogMel(input) => {
                let frames = Tensor::f_from_slice(&window.values)?;
                let frames = frames.f_reshape([-1, input.front_end.mel_bands as i64])?; // [frames, bands]
                match input.layout {
                    LogMelLayout::NTF => frames.f_unsqueeze(0)?,
                    LogMelLayout::N1TF => frames.f_unsqueeze(0)?.f_unsqueeze(0)?,
                    LogMelLayout::NFT => {
                        frames.f_transpose(0, 1)?.f_contiguous()?.f_unsqueeze(0)?
                    }
                    LogMelLayout::N1FT => {
                        frames.f_transpose(0, 1)?.f_contiguous()?.f_unsqueeze(0)?.f_unsqueeze(0)?
                    }
                }
            }
        };
        let mut arguments = vec![IValue::Tensor(tensor.f_to_kind(self.source.kind)?)];
        arguments.extend(module.extra.iter().map(|constant| match *constant {
            Constant::Bool(value) => IValue::Bool(value),
            Constant::Int(value) => IValue::Int(value),
            Constant::Float(value) => IValue::Double(value),
        }));
        let answer = self.module.forward_is(&arguments);
        let answer = answer.map_err(|error| ModuleError::Call { reason: last_line(&error) })?;
        let rows = scores_of(&part(answer, output)?, output, self.source.labels.len())?;
        rows.f_copy_data(&mut scores.values, self.source.labels.len())?;
        match scores.values.iter().position(|score| !(0.0..=1.0).contains(score)) {
            None => Ok(()),
            Some(at) => {
                let (label, score) = (self.source.labels.label(at).to_string(), scores.values[at]);
                Err(ModuleError::Score { label, score })
            }
        }
    }
}

impl ModuleStream for ModuleInstance {
    fn score(&mut self, windows: &[MelWindow], scores: &mut [Scores]) -> Result<(), ScorerError> {
        let mut windows = windows.iter().zip(scores);
        windows
            .try_for_each(|(window, scores)| self.score_window(window, scores))
            .map_err(|error| ScorerError(Box::new(error)))
    }
}

impl ModuleSource {
    fn load(&self) -> Result<CModule, ModuleError> {
        let mut module = CModule::load_data(&mut Cursor::new(&self.bytes))
            .map_err(|error| ModuleError::Load { reason: last_line(&error) })?;
        module.f_set_eval()?;
        if self.kind != Kind::Float {
            module.to(Device::Cpu, self.kind, false);
        }
        Ok(module)
    }
}

/// What a bundle says is done to a window of samples.
fn prepare(samples: &mut [f32], input: &WaveformInput) {
    let count = samples.len() as f32;
    let mean = samples.iter().sum::<f32>() / count;
    let (mean, gain) = match input.normalise {
        WaveformNormalisation::None => (0.0, 1.0),
        WaveformNormalisation::RemoveMean => (mean, 1.0),
        WaveformNormalisation::Peak(peak) => {
            let largest = samples.iter().fold(0.0f32, |most, it| most.max((it - mean).abs()));
            (mean, if largest > 0.0 { peak / largest } else { 1.0 })
        }
        WaveformNormalisation::RmsDbfs(level) => {
            let rms = (samples.iter().map(|it| it * it).sum::<f32>() / count).sqrt();
            (0.0, if rms > 0.0 { 10f32.powf(level / 20.0) / rms } else { 1.0 })
        }
        WaveformNormalisation::Affine(Affine { mean, deviation }) => (mean, 1.0 / deviation),
    };
    let gain = gain * input.scale;
    for sample in samples.iter_mut() {
        *sample = (*sample - mean) * gain;
    }
    if input.pre_emphasis > 0.0 {
        for at in (0..samples.len()).rev() {
            samples[at] -= input.pre_emphasis * samples[at.saturating_sub(1)];
        }
    }
}

/// The tensor of a module's answer that has the outputs.
fn part(answer: IValue, output: &ModuleOutput) -> Result<Tensor, ModuleError> {
    let wrong = |found: &IValue, expected: String| ModuleError::Answer {
        found: described(found),
        expected,
    };
    let answer = match (&output.key, output.index, answer) {
        (None, None, answer) => answer,
        (None, Some(index), IValue::Tuple(mut parts) | IValue::GenericList(mut parts))
            if index < parts.len() =>
        {
            parts.swap_remove(index)
        }
        (None, Some(index), IValue::TensorList(mut parts)) if index < parts.len() => {
            IValue::Tensor(parts.swap_remove(index))
        }
        (None, Some(index), answer) => {
            return Err(wrong(&answer, format!("a tuple or list with a part {index}")));
        }
        (Some(key), _, IValue::GenericDict(entries)) => {
            let entry = entries.into_iter().find_map(|(name, value)| match name {
                IValue::String(name) if name == *key => Some(value),
                _ => None,
            });
            let missing = || ModuleError::Answer {
                found: "a dictionary without it".into(),
                expected: format!("a dictionary with an entry {key:?}"),
            };
            entry.ok_or_else(missing)?
        }
        (Some(key), _, answer) => {
            return Err(wrong(&answer, format!("a dictionary with an entry {key:?}")));
        }
    };
    match answer {
        IValue::Tensor(tensor) => Ok(tensor),
        other => {
            Err(wrong(&other, "a tensor there; output.index or output.key chooses one".into()))
        }
    }
}

/// One score a label, of outputs of any shape whose last dimension is the labels.
///
/// # Shapes
/// Returns `[labels]`.
fn scores_of(
    outputs: &Tensor,
    output: &ModuleOutput,
    labels: usize,
) -> Result<Tensor, ModuleError> {
    let shape = outputs.size();
    let labels_last = shape.last() == Some(&(labels as i64));
    // a module of one label may have no dimension for it
    if !labels_last && labels != 1 {
        return Err(ModuleError::Outputs { shape, labels });
    }
    let rows = outputs.f_to_kind(Kind::Float)?.f_reshape([-1, labels as i64])?; // [inner frames, labels]
    let rows = match output.activation {
        ModuleActivation::None => rows,
        ModuleActivation::Sigmoid => rows.f_sigmoid()?,
        ModuleActivation::Softmax => rows.f_softmax(-1, Kind::Float)?,
    };
    let inner_frames = rows.size()[0];
    let row = match output.reduce {
        Reduction::None if inner_frames == 1 => rows.f_squeeze_dim(0)?,
        _ if inner_frames == 0 => return Err(ModuleError::Outputs { shape, labels }),
        Reduction::None => return Err(ModuleError::InnerFrames { shape, inner_frames }),
        Reduction::Mean => rows.f_mean_dim(0, false, Kind::Float)?,
        Reduction::Max => rows.f_amax(0, false)?,
        Reduction::Last => rows.f_select(0, inner_frames - 1)?,
    };
    Ok(row.f_contiguous()?) // [labels]
}

fn described(value: &IValue) -> String {
    match value {
        IValue::Tensor(tensor) => format!("a tensor {:?}", tensor.size()),
        IValue::Tuple(parts) => format!("a tuple of {}", parts.len()),
        IValue::GenericList(parts) => format!("a list of {}", parts.len()),
        IValue::TensorList(parts) => format!("a list of {} tensors", parts.len()),
        IValue::GenericDict(entries) => format!("a dictionary of {}", entries.len()),
        _ => "neither tensor, tuple, list nor dictionary".into(),
    }
}

/// The last line of libtorch's words: what was raised stands there, below where it was.
fn last_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next_back().unwrap_or_default().to_owned()
}
