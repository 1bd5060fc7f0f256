/**
 * The only script of the sign-in pages, loaded where a passkey can be used or made. It asks the browser for what stands in `data-options`, and posts what the browser
 * says as the field `passkey` (or `attestation`) of that form. Without it, or in a browser without passkeys, the code is still there.
 */
for (const form of document.querySelectorAll('form[data-options]')) {
  const isNew = 'new' in form.dataset
  const read = globalThis.PublicKeyCredential?.[isNew ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON']
  if (!read) continue
  form.hidden = false
  const [button, problem] = [form.querySelector('button'), form.querySelector('.problem')]
  // `autofocus` does nothing where the page was drawn before this script came.
  button.focus()
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    button.disabled = true
    problem.hidden = true
    try {
      const publicKey = read.call(globalThis.PublicKeyCredential, JSON.parse(form.dataset.options))
      const credential = await (isNew ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }))
      form.querySelector('input').value = JSON.stringify(credential)
      form.submit()
    } catch (error) {
      // Not the browser's own words: they are neither translated nor meant for people (WebAuthn section 14.5.2).
      problem.querySelector('span').textContent = form.dataset[error.name === 'InvalidStateError' ? 'known' : 'failed']
      problem.hidden = false
      button.disabled = false
    }
  })
}
