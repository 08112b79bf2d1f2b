"""Helpers for the book *Reading Handwritten Digits*.

Importing this package loads nothing heavy: each public name is fetched from its module when it is
first used, so a page that only looks at images never waits for Keras.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cross_validation": ["CrossValidation", "TrainingError", "compare_models", "cross_validate"],
        "datasets": ["Dataset", "DatasetError", "load_arrays", "load_dataset", "one_hot", "prepare_images"],
        "evaluation": [
            "ErrorRate",
            "MeanInterval",
            "PairedTest",
            "corrected_t_test",
            "error_rate",
            "mcnemar_test",
            "mean_interval",
            "model_error",
        ],
        "models": [
            "MODELS",
            "build_baseline_cnn",
            "build_batch_norm_cnn",
            "build_deep_cnn",
            "build_deep_mlp",
            "build_fast_cnn",
            "build_large_cnn",
            "build_mlp",
            "build_simple_cnn",
            "build_strong_cnn",
            "conv_block",
        ],
        "plotting": [
            "plot_class_counts",
            "plot_convolution",
            "plot_differences",
            "plot_error_and_time",
            "plot_errors",
            "plot_histograms",
            "plot_history",
            "plot_learning_rates",
            "plot_means",
            "plot_probabilities",
            "plot_scores",
            "show_digits",
            "show_filters",
            "show_pixels",
            "use_style",
        ],
        "pretrained": ["WeightsError", "load_model", "model_card"],
        "results": [
            "describe_run",
            "load_recorded_run",
            "load_results",
            "record",
            "results_table",
            "times_and_errors",
        ],
        "training": [
            "Augmentation",
            "ImageBatches",
            "OneCycle",
            "Training",
            "augment_images",
            "compare_recipes",
            "set_seed",
            "smooth_labels",
            "train",
            "train_one_cycle",
        ],
    },
)
