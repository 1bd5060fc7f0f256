/**
 * The only script of the pages that ask for a passkey, the main server's sign-in and the customer's approval alike. It asks the browser for what stands in a form's `data-options`
 * and posts what the browser says as that form's one input. Without it, or in a browser without passkeys, the form stays hidden (WebAuthn Level 3 section 5.1).
 */
export const passkeyScript = `for (const form of document.querySelectorAll('form[data-options]')) {
  const isNew = 'new' in form.dataset
  const read = globalThis.PublicKeyCredential?.[isNew ? 'parseCreationOptionsFromJSON' : 'parseRequestOptionsFromJSON']
  if (!read) continue
  form.hidden = false
  const [button, problem] = [form.querySelector('button'), form.querySelector('.problem')]
  // autofocus does nothing where the page was drawn before this script came.
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
`
