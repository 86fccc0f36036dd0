"""The model of imaging on plain arrays: transforms, poses, contrast, slices, reconstruction, shells and masks."""
