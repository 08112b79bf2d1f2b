# Every public name by its module: for lazy-loader, editors and mypy. The reference page lists them in this order.
from .augmentation import Augmentation as Augmentation, ImageBatches as ImageBatches, augment_images as augment_images
from .cross_validation import (
    CrossValidation as CrossValidation,
    TrainingError as TrainingError,
    compare_models as compare_models,
    cross_validate as cross_validate,
)
from .datasets import (
    DATASETS as DATASETS,
    Dataset as Dataset,
    DatasetError as DatasetError,
    DatasetSource as DatasetSource,
    Writers as Writers,
    load_arrays as load_arrays,
    load_dataset as load_dataset,
    load_writers as load_writers,
)
from .diagrams import (
    plot_curve as plot_curve,
    plot_descents as plot_descents,
    plot_network as plot_network,
    plot_softmax as plot_softmax,
    show_weights as show_weights,
)
from .evaluation import (
    ErrorRate as ErrorRate,
    MeanInterval as MeanInterval,
    PairedTest as PairedTest,
    corrected_t_test as corrected_t_test,
    error_rate as error_rate,
    mcnemar_test as mcnemar_test,
    mean_interval as mean_interval,
    model_error as model_error,
    prediction_interval as prediction_interval,
    welch_test as welch_test,
)
from .handwriting.image_folder import ImageFolder as ImageFolder, load_image_folder as load_image_folder
from .handwriting.numbers import Part as Part, split_digits as split_digits
from .handwriting.pictures import NoDigitError as NoDigitError, PictureError as PictureError
from .handwriting.placement import average_areas as average_areas, place_digit as place_digit
from .handwriting.preparation import Preparation as Preparation, prepare_digit as prepare_digit
from .handwriting.reading import (
    Reading as Reading,
    read_digit as read_digit,
    read_digits as read_digits,
    read_number as read_number,
)
from .handwriting.samples import Sample as Sample, sample_pictures as sample_pictures
from .handwriting.synthetic import (
    compose_number as compose_number,
    draw_continental_digit as draw_continental_digit,
    draw_non_digit as draw_non_digit,
    join_digits as join_digits,
    photograph_digit as photograph_digit,
)
from .handwriting.weights import (
    WeightsError as WeightsError,
    export_network as export_network,
    load_model as load_model,
    model_card as model_card,
)
from .handwriting.widget import DigitPad as DigitPad
from .models import (
    MODELS as MODELS,
    build_baseline_cnn as build_baseline_cnn,
    build_batch_norm_cnn as build_batch_norm_cnn,
    build_deep_cnn as build_deep_cnn,
    build_deep_mlp as build_deep_mlp,
    build_fast_cnn as build_fast_cnn,
    build_mlp as build_mlp,
    build_simple_cnn as build_simple_cnn,
    build_strong_cnn as build_strong_cnn,
    build_two_conv_cnn as build_two_conv_cnn,
    conv_block as conv_block,
)
from .plotting import (
    plot_calibration as plot_calibration,
    plot_class_counts as plot_class_counts,
    plot_confusion as plot_confusion,
    plot_convolution as plot_convolution,
    plot_error_and_time as plot_error_and_time,
    plot_history as plot_history,
    plot_learning_rates as plot_learning_rates,
    plot_means as plot_means,
    plot_probabilities as plot_probabilities,
    plot_scores as plot_scores,
    plot_seeds as plot_seeds,
    plot_threshold as plot_threshold,
    show_digits as show_digits,
    show_filters as show_filters,
    show_pictures as show_pictures,
    show_pixels as show_pixels,
    show_readings as show_readings,
    show_stages as show_stages,
    use_style as use_style,
)
from .preprocessing import one_hot as one_hot, prepare_images as prepare_images
from .results import (
    Numbers as Numbers,
    claim as claim,
    describe_run as describe_run,
    full_run as full_run,
    load_recorded_run as load_recorded_run,
    load_results as load_results,
    record as record,
    results_table as results_table,
    times_and_errors as times_and_errors,
)
from .saved import saved_models as saved_models
from .training import (
    OneCycle as OneCycle,
    Training as Training,
    compare_recipes as compare_recipes,
    set_seed as set_seed,
    smooth_labels as smooth_labels,
    train as train,
    train_one_cycle as train_one_cycle,
)
