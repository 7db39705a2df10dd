"""Steps of the documentation's build: what the pages say of options is read from `nst_keras.settings`."""
