"""What a model needs of memory, before it is run: an account by kind, on fake tensors.

`profile` is the question and `account` the answer. In between: `inputs` and `spec` read what is
asked for (`hugging_face` and `timm_models` by names), `tracing` makes model and inputs fake, `step` runs one step (`checkpointing` its blocks),
`kernels` says what a GPU would do, and `tracker` counts. `beside` says what a GPU holds
beside the tensors, from `gpus`, `workspace` (cuBLAS) and `convolutions` (cuDNN),
`measured` runs the step for real, `fit` finds the largest batch, and `figure` draws.
"""
